"""HTTP authentication of cameras; the digests are those of RFC 7616, section 3.9.1."""

from __future__ import annotations

import re
import urllib.request
from http.client import HTTPMessage

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.camera.sources.http_login import LoginHandler, challenge_to_meet, digest_answer

NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
DEMAND = f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=%s, nonce="{NONCE}", opaque="FQhe"'


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_digests_of_the_standard(algorithm: str, response: str, mocker: MockerFixture) -> None:
    mocker.patch("secrets.token_hex", return_value=CNONCE)
    challenge = challenge_to_meet([DEMAND % algorithm])
    assert challenge is not None
    request = urllib.request.Request("http://www.example.org/dir/index.html")
    answer = digest_answer(challenge, ("Mufasa", "Circle of Life"), request, 1)
    assert f'response="{response}"' in answer
    assert f"algorithm={algorithm}" in answer


@pytest.mark.parametrize(
    ("headers", "scheme", "algorithm"),
    [
        (['Basic realm="c"'], "basic", "MD5"),
        (["Basic"], "basic", "MD5"),
        (["basic realm=c"], "basic", "MD5"),
        (["Negotiate, Basic realm=c"], "basic", "MD5"),
        (['Bearer realm="Digest nonce=1"', 'Basic realm="c"'], "basic", "MD5"),
        (['Basic realm="c", Digest realm="a, b", nonce="n"'], "digest", "MD5"),
        ([DEMAND % "SHA-512-256", DEMAND % "SHA-256", DEMAND % "MD5"], "digest", "SHA-256"),
        ([DEMAND % "MD5-sess"], "digest", "MD5-SESS"),
        (['Digest realm="c", nonce="n", qop="auth-int"', "Basic realm=c"], "basic", "MD5"),
    ],
)
def test_the_demand_that_can_be_met_is_chosen(headers: list[str], scheme: str, algorithm: str) -> None:
    challenge = challenge_to_meet(headers)
    assert challenge is not None
    assert (challenge.scheme, challenge.algorithm) == (scheme, algorithm)


@pytest.mark.parametrize(
    "header", ["", "Negotiate", 'Digest realm="c"', "Digest nonce=n, algorithm=none", "a" * 99_999]
)
def test_what_cannot_be_met_is_left(header: str) -> None:
    assert challenge_to_meet([header]) is None


def asked(handler: LoginHandler, url: str) -> str | None:
    request = handler.http_request(urllib.request.Request(url))
    return request.get_header("Authorization")


def challenged(url: str, demand: str, mocker: MockerFixture) -> LoginHandler:
    """Return the handler of a camera that refused the first request."""
    handler = LoginHandler(url, "me", "secret")
    handler.parent = mocker.Mock()
    headers = HTTPMessage()
    headers["WWW-Authenticate"] = demand
    first = urllib.request.Request(url)
    first.timeout = 1.0
    assert handler.http_error_401(first, mocker.Mock(), 401, "", headers) is not None
    return handler


def test_no_other_host_gets_the_login_and_nobody_in_the_clear_after_tls(mocker: MockerFixture) -> None:
    handler = challenged("https://camera/s", "Basic", mocker)
    assert asked(handler, "https://camera/other") == "Basic bWU6c2VjcmV0"
    assert asked(handler, "http://camera/s") is None
    assert asked(handler, "https://elsewhere/s") is None
    assert asked(handler, "https://camera:8443/s") is None


def test_each_digest_has_a_count_of_its_own(mocker: MockerFixture) -> None:
    handler = challenged("http://camera/s", DEMAND % "MD5", mocker)
    counts = [re.findall("nc=([0-9a-f]+)", asked(handler, "http://camera/s") or "") for _ in range(3)]
    assert counts == [["00000001"], ["00000002"], ["00000003"]]
