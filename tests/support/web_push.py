"""A push service on loopback, and decryption as in a browser (RFC 8291)."""

from __future__ import annotations

import aiohttp.web as web
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.broker import port_of, reserved_port


class PushService:
    """Receives pushes to a browser (RFC 8030).

    Attributes:
        port: Port on loopback.
        sent: Headers and body of each received message.
        status: Status of its responses.
    """

    def __init__(self) -> None:
        self._socket = reserved_port()
        self.port = port_of(self._socket)
        self.sent: list[tuple[dict[str, str], bytes]] = []
        self.status = 201

    async def start(self) -> web.AppRunner:
        """Start listening."""
        app = web.Application()
        app.router.add_post("/wpush/{id}", self._take)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.SockSite(runner, self._socket).start()
        return runner

    async def _take(self, request: web.Request) -> web.Response:
        self.sent.append((dict(request.headers), await request.read()))
        return web.Response(status=self.status)


def decrypt(body: bytes, private: ec.EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """Decrypt the body of a push with a browser's keys. Source: RFC 8291, section 3.4.

    Raises:
        cryptography.exceptions.InvalidTag: It was not encrypted for this browser.
    """
    salt, record, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
    theirs, sealed = body[21 : 21 + length], body[21 + length :]
    assert len(sealed) <= record
    shared = private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
    ours = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    material = _hkdf(auth, b"WebPush: info\0" + ours + theirs, 32, shared)
    key = _hkdf(salt, b"Content-Encoding: aes128gcm\0", 16, material)
    nonce = _hkdf(salt, b"Content-Encoding: nonce\0", 12, material)
    message = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\0")
    assert message[-1:] == b"\x02", "the last record ends with 2"
    return message[:-1]


def _hkdf(salt: bytes, info: bytes, length: int, material: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(material)
