"""Authorizes requests of all routes; a route that is not declared public requires a credential."""

from __future__ import annotations

import base64
import logging
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from aiohttp import web

from pi_cam_node.web.auth.allowed_hosts import SAFE_METHODS, AllowedHosts, is_from_foreign_page, is_own_origin
from pi_cam_node.web.auth.lockout import Lockout
from pi_cam_node.web.auth.proxies import Peer, Proxies
from pi_cam_node.web.auth.sessions import Sessions
from pi_cam_node.web.auth.signed_links import SIGNATURE, SignedLinks, is_signed
from pi_cam_node.web.auth.token import Token
from pi_cam_node.web.http.routes import Need, app_key

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Access:
    """Authorization rules, and the token, sessions, links and proxies that they consult.

    Attributes:
        token: Access token with all rights; ``None``: no credential is required, since only this machine reaches the
            server.
        links: Signed links.
        sessions: Login sessions.
        lockout: Delays clients after wrong tokens.
        proxies: Trusted reverse proxies.
        hosts: Accepted Host headers.
        tickets: Tells whether a secret is a ticket, which grants the right *view*.
        public_url: Address at which a reverse proxy serves it; empty without one.
        cookie: Name of the session cookie.
    """

    token: Token | None
    links: SignedLinks
    sessions: Sessions
    lockout: Lockout
    proxies: Proxies
    hosts: AllowedHosts
    cookie: str
    tickets: Callable[[str], bool] = lambda _secret: False
    public_url: str = ""
    # Used login links, which must not work twice; they expire within minutes.
    _used: deque[str] = field(default_factory=lambda: deque(maxlen=256))

    def admit(self, request: web.Request, need: Need) -> None:
        """Authorize a request.

        Raises:
            web.HTTPException: The request is refused.
        """
        peer = self.proxies.peer_of(request)
        is_public = need.right == "public"
        if not (is_public and request.method in SAFE_METHODS) and not self.hosts.allows(peer.host):
            raise web.HTTPForbidden(text="unknown host name; http.allowed_hosts lists those that are allowed\n")
        if request.method not in SAFE_METHODS and is_from_foreign_page(
            request.headers, lambda origin: is_own_origin(origin, peer, self.public_url)
        ):
            raise web.HTTPForbidden(text="another site's page may not do this\n")
        if is_public or self._is_open(peer) or self._is_known(request, peer, need):
            return
        if need.signed and is_signed(request.query):
            if self.links.verify(request.path.removeprefix(self.prefix), request.query):
                return
            raise web.HTTPForbidden(text="the link has expired, or its signature is wrong\n")
        raise self._unauthorized(request, peer, need)

    @property
    def prefix(self) -> str:
        """The path of `public_url`, empty or such as ``/cam``."""
        return urlsplit(self.public_url).path.rstrip("/")

    def cookie_path(self, request: web.Request) -> str:
        """Return the Path attribute for cookies: that of `public_url` for requests through the reverse proxy."""
        is_through = self.proxies.peer_of(request).host == urlsplit(self.public_url).netloc
        return f"{self.prefix}/" if is_through or request.path.startswith(f"{self.prefix}/") else "/"

    def log_in_by_link(self, request: web.Request) -> str | None:
        """Create a session for an unused login link and return its id; ``None`` without a valid link.

        The link is valid only for the path of the request.
        """
        signature = request.query.get(SIGNATURE, "")
        if not self.links.verify(request.path.removeprefix(self.prefix), request.query) or signature in self._used:
            return None
        self._used.append(signature)
        return self.sessions.create()

    def log_in(self, request: web.Request, given: str) -> str:
        """Create a session for a token and return its id.

        Raises:
            web.HTTPException: 401 for a wrong token; 429 while the client is locked out.
        """
        if self.token is not None and not self._is_right(self.token, given, self.proxies.peer_of(request)):
            raise web.HTTPUnauthorized(text="wrong token\n")
        return self.sessions.create()

    def _is_open(self, peer: Peer) -> bool:
        """Tell whether no credential is required; refuse unknown proxies: their clients appear as this machine."""
        if self.token is not None:
            return False
        if peer.through_unknown_proxy:
            raise web.HTTPForbidden(text="unknown proxy; add it to http.trusted_proxies, and set a token\n")
        return True

    def _is_known(self, request: web.Request, peer: Peer, need: Need) -> bool:
        """Tell whether a request has a valid session, ticket or token; a wrong token counts as a guess."""
        name = request.cookies.get(self.cookie)
        if name and self.sessions.is_valid(name):
            if request.method not in SAFE_METHODS and "Origin" not in request.headers:
                raise web.HTTPForbidden(text="a session may change things only from a page of this server\n")
            return True
        given = _given(request)
        if given is None or self.token is None:
            return False
        if self.tickets(given):
            if need.right == "control":
                raise web.HTTPForbidden(text="a ticket may read, not change\n")
            return True
        if not self._is_right(self.token, given, peer):
            raise self._unauthorized(request, peer, need)
        return True

    def _is_right(self, token: Token, given: str, peer: Peer) -> bool:
        """Compare with the token; refuses locked-out addresses without comparing."""
        wait_s = self.lockout.wait_s(peer.address)
        if wait_s > 0:
            after = {"Retry-After": str(math.ceil(wait_s))}
            raise web.HTTPTooManyRequests(text="too many wrong passwords or tokens; try again later\n", headers=after)
        if token.is_(given):
            return True
        if self.lockout.count(peer.address):
            _log.warning("%s sent wrong tokens to the HTTP server and must wait", peer.address)
        return False

    def _unauthorized(self, request: web.Request, peer: Peer, need: Need) -> web.HTTPException:
        """Return the response to a missing credential: a redirect to the login for pages, else 401 with challenges.

        Parts of a page get no challenge for basic authentication, for which browsers would open a dialog.
        """
        if need.page and request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
            return web.HTTPSeeOther("login")
        refusal = web.HTTPUnauthorized(text="log in, or send the token\n")
        refusal.headers.add("WWW-Authenticate", 'Bearer realm="pi_cam_node"')
        if not self._is_part_of_page(request, peer):
            refusal.headers.add("WWW-Authenticate", 'Basic realm="pi_cam_node", charset="UTF-8"')
        return refusal

    def _is_part_of_page(self, request: web.Request, peer: Peer) -> bool:
        """Tell whether a page of this server sends the request, from a script or for an element."""
        told = request.headers
        if told.get("Sec-Fetch-Dest", "document") != "document" or "X-Requested-With" in told:
            return True
        return is_own_origin(told.get("Referer", ""), peer, self.public_url)


ACCESS = app_key("access", Access)


def access_of(request: web.Request) -> Access:
    """Return the access rules of the application."""
    return request.app[ACCESS]


def _given(request: web.Request) -> str | None:
    """Return the credential in the Authorization header; of basic authentication the password."""
    kind, _, rest = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return rest.strip()
    if kind.lower() != "basic":
        return None
    try:
        return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[2]
    except ValueError:  # not base64, not ASCII, or not UTF-8
        return ""
