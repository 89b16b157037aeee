"""Encrypts a message for one browser: RFC 8291 with the content coding aes128gcm of RFC 8188."""

from __future__ import annotations

import base64
import secrets

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

RECORD_BYTES = 4096
# Push services accept 4,096 bytes, header and tag included.
MESSAGE_MAX_BYTES = RECORD_BYTES - 16 - 86 - 1


def encrypt(
    message: bytes,
    p256dh: str,
    auth: str,
    *,
    salt: bytes | None = None,
    private: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """Return the body of a push message.

    Args:
        message: Plain text of the message.
        p256dh: The browser's public key, base64url.
        auth: The browser's authentication secret, base64url.
        salt: 16 random bytes by default; tests pass those of the RFC.
        private: Ephemeral private key; likewise.

    Raises:
        ValueError: The keys are invalid, or the message is too long.
    """
    if len(message) > MESSAGE_MAX_BYTES:
        raise ValueError(f"the message has {len(message)} bytes, {MESSAGE_MAX_BYTES} at most fit")
    theirs, secret = decoded(p256dh), decoded(auth)
    if len(secret) != 16:
        raise ValueError("the secret of the browser has 16 bytes")
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs)
    private = private or ec.generate_private_key(ec.SECP256R1())
    salt = salt or secrets.token_bytes(16)
    ours = public_bytes(private)
    shared = private.exchange(ec.ECDH(), public)
    material = _derived(shared, secret, b"WebPush: info\0" + theirs + ours, 32)
    key = _derived(material, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(material, salt, b"Content-Encoding: nonce\0", 12)
    sealed = AESGCM(key).encrypt(nonce, message + b"\x02", None)
    return salt + RECORD_BYTES.to_bytes(4, "big") + bytes([len(ours)]) + ours + sealed


def public_bytes(private: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a key's public half as an uncompressed point."""
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def decoded(text: str) -> bytes:
    """Decode base64url text, with or without padding.

    Raises:
        ValueError: The text is not base64url.
    """
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def encoded(raw: bytes) -> str:
    """Return bytes as base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _derived(material: bytes, salt: bytes, info: bytes, length_bytes: int) -> bytes:
    return HKDF(SHA256(), length_bytes, salt, info).derive(material)
