"""Push encryption: the example of RFC 8291, and decryption as in a browser."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("cryptography", reason="the extra console is not installed")

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from pi_cam_node.console.push.composer import message_of
from pi_cam_node.console.push.encryption import MESSAGE_MAX_BYTES, decoded, encoded, encrypt, public_bytes
from pi_cam_node.console.push.sender import outcome_of
from pi_cam_node.console.push.vapid import Vapid
from tests.support.web_push import decrypt

# RFC 8291, appendix A.
PRIVATE = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
BROWSER = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH, SALT = "BTBZMqHH6r4Tts7J_aSIgg", "DGv6ra1nlYgDCS1FRnbzlw"
MESSAGE = b"When I grow up, I want to be a watermelon"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
    "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_the_example_of_the_rfc() -> None:
    private = ec.derive_private_key(int.from_bytes(decoded(PRIVATE), "big"), ec.SECP256R1())
    assert encoded(encrypt(MESSAGE, BROWSER, AUTH, salt=decoded(SALT), private=private)) == BODY


def test_a_browser_reads_the_longest_message() -> None:
    browser, longest = ec.generate_private_key(ec.SECP256R1()), b"x" * MESSAGE_MAX_BYTES
    body = encrypt(longest, encoded(public_bytes(browser)), AUTH)
    assert len(body) <= 4096
    assert decrypt(body, browser, decoded(AUTH)) == longest
    with pytest.raises(InvalidTag):
        decrypt(body, ec.generate_private_key(ec.SECP256R1()), decoded(AUTH))


@pytest.mark.parametrize(
    ("key", "auth"), [("", AUTH), ("AAAA", AUTH), (BROWSER, "AAAA"), ("!!", AUTH), (BROWSER[:-4], AUTH)]
)
def test_keys_that_are_none_are_refused(key: str, auth: str) -> None:
    with pytest.raises(ValueError):
        encrypt(b"x", key, auth)


def test_a_message_that_does_not_fit_loses_its_picture_first() -> None:
    raw = message_of(title="t", body="b", navigate="https://a/", image="https://a/" + "x" * 5000, tag="event-1")
    told = json.loads(raw)
    assert told["web_push"] == 8030
    assert told["notification"] == {"title": "t", "body": "b", "navigate": "https://a/", "tag": "event-1"}


def test_vapid_is_signed_for_the_service_and_ends() -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    header = Vapid(private, "mailto:a@b.de", lambda: 1000.0).authorization(
        "https://push.services.example:444/wpush/1?x"
    )
    token, key = (part.split("=", 1)[1] for part in header.removeprefix("vapid ").split(", "))
    head, claims, signature = token.split(".")
    assert json.loads(decoded(head)) == {"typ": "JWT", "alg": "ES256"}
    assert json.loads(decoded(claims)) == {
        "aud": "https://push.services.example:444",
        "exp": 1000 + 12 * 3600,
        "sub": "mailto:a@b.de",
    }
    raw = decoded(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(key))
    public.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize(
    ("status", "said", "after", "state", "wait_s"),
    [
        (201, "", "", "sent", 0),
        (200, "", "", "sent", 0),
        (404, "", "", "gone", 0),
        (410, "", "", "gone", 0),
        (429, "", "120", "retry", 120),
        (503, "", "999999", "retry", 3600),
        (502, "", "soon", "retry", 0),
        (403, '{"reason":"BadJwtToken"}', "", "failed", 0),
        (413, "too large", "", "failed", 0),
        (301, "", "", "failed", 0),
    ],
)
def test_what_answers_mean(status: int, said: str, after: str, state: str, wait_s: float) -> None:
    outcome = outcome_of(status, said, after)
    assert (outcome.state, outcome.retry_after_s) == (state, wait_s)
