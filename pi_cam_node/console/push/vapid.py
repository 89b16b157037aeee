"""VAPID (RFC 8292): identifies the sender to push services. If its key is lost, every subscription is void."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from pi_cam_node.base.atomic_files import create_atomically
from pi_cam_node.console.push.encryption import encoded, public_bytes

FILE_NAME = "vapid.pem"
# Contact address given at set-up.
CONTACT_FILE = "contact"
CONTACT_MAX_BYTES = 300
# The RFC allows a day; half of it tolerates clocks that differ.
LIFETIME_S = 12 * 3600
# Default contact for push services; Apple rejects it.
NO_SUBJECT = "https://pi-cam-node.invalid"


class Vapid:
    """VAPID key that signs authorization headers. Thread: any.

    Args:
        private: The private key.
        subject: ``mailto:…`` or ``https://…``.
        wall: Returns UTC epoch seconds.
    """

    def __init__(
        self, private: ec.EllipticCurvePrivateKey, subject: str, wall: Callable[[], float] = time.time
    ) -> None:
        self._private = private
        self._wall = wall
        self.subject = subject
        self.public_key = encoded(public_bytes(private))

    def authorization(self, endpoint: str) -> str:
        """Return the Authorization header for a message to an endpoint."""
        parts = urlsplit(endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int(self._wall()) + LIFETIME_S,
            "sub": self.subject,
        }
        head = encoded(json.dumps({"typ": "JWT", "alg": "ES256"}, separators=(",", ":")).encode())
        signed = f"{head}.{encoded(json.dumps(claims, separators=(',', ':')).encode())}"
        r, s = decode_dss_signature(self._private.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"vapid t={signed}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}, k={self.public_key}"


def subject_of(configured: str, folder: Path) -> str:
    """Return the contact for push services: configured, else given at set-up, else the placeholder."""
    if configured:
        return configured
    try:
        with (folder / CONTACT_FILE).open(encoding="utf-8") as file:
            return file.read(CONTACT_MAX_BYTES).strip() or NO_SUBJECT
    except (OSError, UnicodeDecodeError):
        return NO_SUBJECT


def read_or_make(folder: Path) -> ec.EllipticCurvePrivateKey:
    """Return the key in ``vapid.pem``, which is created if missing.

    Raises:
        OSError: It can be neither read nor created.
        ValueError: The file holds no such key.
    """
    path = folder / FILE_NAME
    if not path.exists():
        made = ec.generate_private_key(ec.SECP256R1())
        pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        create_atomically(path, pem)
    key = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError(f"{path} holds no key of the curve P-256")  # noqa: TRY004 - the file is wrong, not a caller
    return key
