"""Authorizes every request before its handler is called: Host header, origin, session or link."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from aiohttp import web

from pi_cam_node.console.accounts import rights
from pi_cam_node.console.accounts.registry import Accounts
from pi_cam_node.console.accounts.rights import Permission
from pi_cam_node.console.links import Links
from pi_cam_node.console.web import routes
from pi_cam_node.console.web.rendering import worded_as_page
from pi_cam_node.console.web.visits import is_visit, login_before, shown_page
from pi_cam_node.web.auth.allowed_hosts import SAFE_METHODS, AllowedHosts, is_from_foreign_page, is_own_origin
from pi_cam_node.web.auth.lockout import Lockout
from pi_cam_node.web.auth.proxies import Proxies
from pi_cam_node.web.auth.token import Token
from pi_cam_node.web.http.routes import Need, app_key

_log = logging.getLogger(__name__)

# Proxies that are not trusted and were logged: anyone can claim to be one.
UNKNOWN_PROXIES_MAX = 8


@dataclass(slots=True)
class ConsoleGate:
    """Authorization gate of the console.

    Attributes:
        accounts: Accounts and sessions.
        links: Signed links.
        lockout: Delays clients after wrong passwords.
        proxies: Trusted reverse proxies.
        hosts: Accepted Host headers.
        cookie: Name of the session cookie.
        public_url: Address at which a reverse proxy serves the console; empty without one.
        scraper: Token for metrics; ``None``: metrics need a login.
    """

    accounts: Accounts
    links: Links
    lockout: Lockout
    proxies: Proxies
    hosts: AllowedHosts
    cookie: str
    public_url: str = ""
    scraper: Token | None = None
    _unknown_proxies: set[str] = field(default_factory=set)

    def admit(self, request: web.Request, need: Need) -> None:
        """Authorize a request, and attach its account.

        Raises:
            web.HTTPException: The request is refused.
        """
        try:
            self._admit_origin(request)
            self._admit_person(request, need)
        except web.HTTPException as refusal:
            worded_as_page(request, refusal)
            raise

    def _admit_origin(self, request: web.Request) -> None:
        peer = self.proxies.peer_of(request)
        if peer.through_unknown_proxy and self._is_public(peer.host):
            self._note_unknown_proxy(peer.address)
        if not self.hosts.allows(peer.host):
            raise web.HTTPForbidden(text="this name is not the console's; set console.public_url to allow it\n")
        may_change = request.method not in SAFE_METHODS or request.headers.get("Upgrade")
        if may_change and is_from_foreign_page(
            request.headers, lambda origin: is_own_origin(origin, peer, self.public_url)
        ):
            hint = "behind a proxy, set console.public_url to the address that the browser shows"
            raise web.HTTPForbidden(text=f"another site's page may not do this; {hint}\n")

    def _admit_person(self, request: web.Request, need: Need) -> None:
        known = self.accounts.session(request.cookies.get(self.cookie, ""))
        if known is not None:
            routes.identify(request, *known)
            if request.match_info.http_exception is not None:
                return  # no route: whoever has logged in is told so, whatever the account may do
        if need.right == "public":
            return
        if need.signed and "signature" in request.query:
            if not self.is_open(request.path, request.query, request.match_info.get("camera", "")):
                raise web.HTTPForbidden(text="the link has expired, or its signature is wrong\n")
            routes.mark_signed(request)
            return
        if known is None:
            if need.scraper and self._is_scraper(request):
                return
            raise self._unauthorized(request)
        permission: Permission = "view" if need.right == "view" else "act"
        if not rights.may(known[0], permission):
            raise web.HTTPForbidden(text="this account may not do that\n")

    def is_open(self, path: str, query: Mapping[str, str], camera: str) -> bool:
        """Tell whether a signed link opens a path; the account that it names must still see the camera."""
        if not self.links.verify(path, query):
            return False
        account = self.accounts.get(query["by"])
        return account is not None and rights.may(account, "view", camera)

    def wait_s(self, request: web.Request) -> float:
        """Return seconds until the next password of an address is checked; 0: now."""
        return self.lockout.wait_s(self.proxies.peer_of(request).address)

    def refuse_waiting(self, request: web.Request) -> None:
        """Refuse an address that is locked out.

        Raises:
            web.HTTPTooManyRequests: The address is locked out.
        """
        wait_s = self.wait_s(request)
        if wait_s > 0:
            after = {"Retry-After": str(math.ceil(wait_s))}
            raise web.HTTPTooManyRequests(text=f"too many wrong tries; wait {math.ceil(wait_s)} s\n", headers=after)

    def count_wrong(self, request: web.Request) -> bool:
        """Count a wrong credential; return whether the address must wait from now on."""
        return self.lockout.count(self.proxies.peer_of(request).address)

    def is_secure(self, request: web.Request) -> bool:
        """Tell whether the browser uses HTTPS."""
        return self.proxies.peer_of(request).scheme == "https"

    def origin(self, request: web.Request) -> str:
        """Return the origin of the console as the browser sees it.

        That is `public_url` for its name alone, too, as proxies often leave out the port.
        """
        peer = self.proxies.peer_of(request)
        return self.public_url if self._is_public(peer.host) else f"{peer.scheme}://{peer.host}"

    def _is_public(self, host: str) -> bool:
        """Tell whether a Host header is that of `public_url`, with or without its port."""
        public = urlsplit(self.public_url)
        return bool(public.netloc) and host in {public.netloc, public.hostname}

    def _note_unknown_proxy(self, address: str) -> None:
        if address in self._unknown_proxies or len(self._unknown_proxies) >= UNKNOWN_PROXIES_MAX:
            return
        self._unknown_proxies.add(address)
        what = "all people behind it count as one address, and as not encrypted"
        _log.warning("%s is a proxy that console.trusted_proxies does not name: %s", address, what)

    def _is_scraper(self, request: web.Request) -> bool:
        """Tell whether a request has the token for metrics; a wrong one counts as a guess.

        Raises:
            web.HTTPTooManyRequests: The address is locked out; then even the right token is not checked.
        """
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        if self.scraper is None or kind.lower() != "bearer":
            return False
        self.refuse_waiting(request)
        is_right = self.scraper.is_(given.strip())
        if not is_right and self.count_wrong(request):
            _log.warning("%s sent wrong tokens for metrics and must wait", self.proxies.peer_of(request).address)
        return is_right

    def _unauthorized(self, request: web.Request) -> web.HTTPException:
        if request.headers.get("HX-Request"):
            return web.HTTPUnauthorized(
                text="log in again\n", headers={"HX-Redirect": login_before(shown_page(request))}
            )
        if is_visit(request):
            return web.HTTPSeeOther(login_before(request.path_qs if request.method == "GET" else shown_page(request)))
        return web.HTTPUnauthorized(text="log in\n")


GATE = app_key("gate", ConsoleGate)


def gate_of(request: web.Request) -> ConsoleGate:
    """Return the gate of the application."""
    return request.app[GATE]
