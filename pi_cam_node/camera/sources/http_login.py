"""HTTP authentication for network cameras: Basic and Digest (RFC 7617, RFC 7616).

urllib's handlers use only the first challenge and MD5; cameras send several challenges, newer ones with SHA-256.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import urllib.parse
import urllib.request
from collections.abc import Sequence
from http.client import HTTPMessage
from typing import IO, Any

from pi_cam_node.base.frozen import frozen

# Maximum length of an accepted header.
_HEADER_MAX = 4096
_PARAMETER = re.compile(r'(?:([\w-]+)\s+)?([\w-]+)\s*=\s*("(?:\\.|[^"\\])*"|[^\s",]+)')
_HASHES = {"MD5": "md5", "SHA-256": "sha256"}
_SESSION = "-SESS"


@frozen
class Challenge:
    """An authentication challenge of a server.

    Attributes:
        scheme: In lower case.
        parameters: Values without quotes, by name in lower case.
    """

    scheme: str
    parameters: dict[str, str]

    @property
    def algorithm(self) -> str:
        """The algorithm of a Digest, in upper case."""
        return self.parameters.get("algorithm", "MD5").upper()

    @property
    def is_known(self) -> bool:
        """Whether the challenge is supported."""
        if self.scheme != "digest":
            return self.scheme == "basic"
        return "nonce" in self.parameters and self.algorithm.removesuffix(_SESSION) in _HASHES and self.has_plain_qop

    @property
    def has_plain_qop(self) -> bool:
        """Whether Digest works without a hash of the body (``qop=auth``)."""
        qop = self.parameters.get("qop")
        return qop is None or "auth" in qop.replace(" ", "").split(",")


def challenge_to_meet(headers: Sequence[str]) -> Challenge | None:
    """Return the first supported Digest in WWW-Authenticate headers, else Basic, else ``None``."""
    known = [challenge for header in headers for challenge in _challenges(header[:_HEADER_MAX]) if challenge.is_known]
    return next((challenge for challenge in known if challenge.scheme == "digest"), next(iter(known), None))


def _challenges(header: str) -> list[Challenge]:
    if header.strip().lower() == "basic":  # without the required realm
        return [Challenge("basic", {})]
    found: list[Challenge] = []
    for scheme, name, value in _PARAMETER.findall(header):
        if scheme:
            found.append(Challenge(scheme.lower(), {}))
        if found:
            found[-1].parameters[name.lower()] = re.sub(r"\\(.)", r"\1", value[1:-1]) if value[:1] == '"' else value
    return found


class LoginHandler(urllib.request.BaseHandler):
    """Answers challenges of one host, not of redirect targets, and never without TLS if the address uses TLS.

    Args:
        url: Address of the camera.
        user: User name.
        password: Password.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        parts = urllib.parse.urlsplit(url)
        self._host = parts.netloc.rpartition("@")[2].lower()
        self._schemes = {"https", parts.scheme.lower()}
        self._user, self._password = user, password
        self._challenge: Challenge | None = None
        self._count = 0
        self._is_retry = False

    def http_request(self, request: urllib.request.Request) -> urllib.request.Request:
        """Add credentials for the last challenge, so that not every request is refused first."""
        if self._challenge is not None and self._is_own(request):
            request.add_unredirected_header("Authorization", self._answer(self._challenge, request))
        return request

    https_request = http_request

    def http_error_401(
        self, request: urllib.request.Request, response: IO[bytes], code: int, message: str, headers: HTTPMessage
    ) -> Any:
        """Repeat the request with credentials; return ``None`` if that was done already, or is not possible."""
        del code, message
        challenge = challenge_to_meet(headers.get_all("WWW-Authenticate", []))
        if challenge is None or self._is_retry or not self._is_own(request):
            return None
        response.close()
        self._challenge, self._count, self._is_retry = challenge, 0, True
        try:
            again = urllib.request.Request(request.full_url, headers=dict(request.headers))  # noqa: S310 - as the first
            return self.parent.open(again, timeout=request.timeout)
        finally:
            self._is_retry = False

    def _is_own(self, request: urllib.request.Request) -> bool:
        return request.type in self._schemes and (request.host or "").lower() == self._host

    def _answer(self, challenge: Challenge, request: urllib.request.Request) -> str:
        if challenge.scheme == "basic":
            return "Basic " + base64.b64encode(f"{self._user}:{self._password}".encode()).decode()
        self._count += 1
        return digest_answer(challenge, (self._user, self._password), request, self._count)


def digest_answer(challenge: Challenge, login: tuple[str, str], request: urllib.request.Request, count: int) -> str:
    """Return the Authorization header for a Digest challenge.

    Args:
        challenge: Challenge of the server.
        login: User name and password.
        request: The request.
        count: Number of uses of the nonce, including this one.
    """
    told = challenge.parameters
    realm, nonce, (user, password) = told.get("realm", ""), told["nonce"], login
    method, uri = request.get_method(), request.selector
    hash_name, cnonce = _HASHES[challenge.algorithm.removesuffix(_SESSION)], secrets.token_hex(8)

    def digest(*parts: str) -> str:
        return hashlib.new(hash_name, ":".join(parts).encode(), usedforsecurity=False).hexdigest()

    secret = digest(user, realm, password)
    if challenge.algorithm.endswith(_SESSION):
        secret = digest(secret, nonce, cnonce)
    quoted = {"username": user, "realm": realm, "nonce": nonce, "uri": uri}
    bare: dict[str, str] = {}
    if "qop" in told:
        bare = {"qop": "auth", "nc": f"{count:08x}"}
        quoted["cnonce"] = cnonce
        quoted["response"] = digest(secret, nonce, bare["nc"], cnonce, "auth", digest(method, uri))
    else:
        quoted["response"] = digest(secret, nonce, digest(method, uri))
    if "opaque" in told:
        quoted["opaque"] = told["opaque"]
    if "algorithm" in told:
        bare["algorithm"] = told["algorithm"]
    escaped = {name: value.replace("\\", "\\\\").replace('"', '\\"') for name, value in quoted.items()}
    fields = [f'{name}="{value}"' for name, value in escaped.items()] + [f"{n}={v}" for n, v in bare.items()]
    return "Digest " + ", ".join(fields)
