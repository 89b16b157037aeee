"""Access checks of HTTP requests."""

from __future__ import annotations

import base64
import itertools
from typing import Any
from unittest.mock import Mock

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from pi_cam_node.web.auth.access import Access
from pi_cam_node.web.auth.allowed_hosts import AllowedHosts, is_same_origin
from pi_cam_node.web.auth.lockout import GUESSES, Lockout
from pi_cam_node.web.auth.proxies import Proxies
from pi_cam_node.web.auth.sessions import Sessions
from pi_cam_node.web.auth.signed_links import SignedLinks
from pi_cam_node.web.auth.token import Token
from pi_cam_node.web.http.connection_limit import CONNECTIONS_MAX, CONNECTIONS_PER_CLIENT, ConnectionLimit
from pi_cam_node.web.http.routes import Need
from tests.support.fakes.clock import FakeClock

TOKEN = "a-token-of-the-house"
OWN = "192.0.2.10"
VIEW, CONTROL, PUBLIC = Need("view"), Need("control"), Need("public")
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def access(token: str | None = TOKEN, trusted: tuple[str, ...] = (), allowed: tuple[str, ...] = ()) -> Access:
    clock = FakeClock()
    return Access(
        Token(token) if token else None,
        SignedLinks(clock),
        Sessions(clock),
        Lockout(clock),
        Proxies(trusted),
        AllowedHosts(allowed),
        "session_porch",
    )


def request(method: str = "GET", path: str = "/stream", peer: str = "192.0.2.99", **headers: str) -> web.Request:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    transport = Mock()
    transport.get_extra_info = lambda name, default=None: (peer, 40000) if name == "peername" else default
    return make_mocked_request(method, path, {"Host": f"{OWN}:8080", **told}, transport=transport)


def judged(rules: Access, asked: web.Request, need: Need = VIEW) -> int:
    try:
        rules.admit(asked, need)
    except web.HTTPException as refusal:
        return refusal.status
    return 200


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_without_a_declaration_everything_is_asked_for() -> None:
    assert Need() == Need("control", signed=False)


@pytest.mark.parametrize("need", [VIEW, CONTROL])
def test_a_credential_is_needed_for_all_but_what_is_public(need: Need) -> None:
    assert judged(access(), request(), need) == 401
    assert judged(access(), request(), PUBLIC) == 200
    assert judged(access(), request(**BEARER), need) == 200


def test_on_this_machine_without_a_token_nobody_is_asked() -> None:
    assert judged(access(None), request()) == 200
    assert judged(access(None), request("POST"), CONTROL) == 200


@pytest.mark.parametrize(
    "given",
    ["", TOKEN[:5], TOKEN[:-1], TOKEN + "x", TOKEN.upper(), TOKEN.title(), f"{TOKEN},{TOKEN}", "%00", "null"],
)
@pytest.mark.promise("X5")
def test_almost_the_token_is_no_token(given: str) -> None:
    assert judged(access(), request(Authorization=f"Bearer {given}")) == 401
    assert judged(access(), request(Authorization=basic("admin", given))) == 401
    with pytest.raises(web.HTTPUnauthorized):
        access().log_in(request("POST"), given)


@pytest.mark.parametrize("user", ["", "admin", "anybody"])
def test_basic_authentication_takes_any_name_with_the_token(user: str) -> None:
    assert judged(access(), request(Authorization=basic(user, TOKEN))) == 200
    assert judged(access(), request(Authorization=basic(TOKEN, ""))) == 401


@pytest.mark.parametrize("header", ["Basic !!!", "Basic", "Basic //79", "Bearer", "Digest x", TOKEN, f"Token {TOKEN}"])
def test_a_header_that_makes_no_sense_is_no_credential(header: str) -> None:
    assert judged(access(), request(Authorization=header)) == 401


@pytest.mark.parametrize(
    ("headers", "ways"),
    [
        ({"User_Agent": "Lavf/60.3"}, ["Bearer", "Basic"]),
        ({"User_Agent": "Mozilla/5.0 (Linux; Android 13) Kiosk"}, ["Bearer", "Basic"]),
        ({"User_Agent": "Mozilla/5.0", "Accept": "text/html", "Sec_Fetch_Dest": "document"}, ["Bearer", "Basic"]),
        ({"Referer": "http://dashboard.example/"}, ["Bearer", "Basic"]),
        ({"Sec_Fetch_Dest": "empty"}, ["Bearer"]),
        ({"Sec_Fetch_Dest": "image"}, ["Bearer"]),
        ({"X_Requested_With": "fetch"}, ["Bearer"]),
        ({"Referer": f"http://{OWN}:8080/"}, ["Bearer"]),
    ],
)
def test_all_but_parts_of_our_own_page_are_told_of_basic_authentication(
    headers: dict[str, str], ways: list[str]
) -> None:
    with pytest.raises(web.HTTPUnauthorized) as caught:
        access().admit(request(**headers), VIEW)
    assert [value.split()[0] for value in caught.value.headers.getall("WWW-Authenticate")] == ways


def test_a_person_is_sent_to_the_login_from_pages_alone() -> None:
    with pytest.raises(web.HTTPSeeOther) as caught:
        access().admit(request(path="/", Accept="text/html,*/*"), Need("view", page=True))
    assert caught.value.location == "login"
    assert judged(access(), request(Accept="text/html,*/*"), VIEW) == 401


def test_a_ticket_opens_what_view_may_see_and_costs_no_guess() -> None:
    rules = access()
    rules.tickets = lambda secret: secret == "a-ticket"
    ticket = {"Authorization": "Bearer a-ticket"}
    for _ in range(2 * GUESSES):
        assert judged(rules, request(**ticket)) == 200
        assert judged(rules, request("POST", **ticket), CONTROL) == 403
    assert judged(rules, request(Authorization="Bearer another")) == 401


# ------------------------------------------------------------ guesses


def test_after_five_wrong_tokens_even_the_right_one_is_not_looked_at() -> None:
    rules = access()
    assert [judged(rules, request(Authorization="Bearer wrong")) for _ in range(GUESSES)] == [401] * GUESSES
    assert judged(rules, request(**BEARER)) == 429
    with pytest.raises(web.HTTPTooManyRequests) as caught:
        rules.log_in(request("POST"), TOKEN)
    assert caught.value.headers["Retry-After"] == "60"
    assert judged(rules, request(peer="192.0.2.98", **BEARER)) == 200


def test_who_is_logged_in_is_not_locked_out_by_a_guesser_behind_the_same_address() -> None:
    rules = access()
    session = rules.log_in(request("POST"), TOKEN)
    for _ in range(GUESSES):
        judged(rules, request(Authorization="Bearer wrong"))
    assert judged(rules, request(Cookie=f"session_porch={session}")) == 200


def test_no_credential_and_an_old_session_are_no_guesses() -> None:
    rules = access()
    for _ in range(3 * GUESSES):
        assert judged(rules, request()) == 401
        assert judged(rules, request(Cookie="session_porch=old")) == 401
    assert judged(rules, request(**BEARER)) == 200


# ------------------------------------------------------------ browsers as attackers


def session_of(rules: Access) -> dict[str, str]:
    return {"Cookie": f"session_porch={rules.log_in(request('POST'), TOKEN)}"}


ORIGINS = {
    None: "none",
    f"http://{OWN}:8080": "own",
    f"https://{OWN}:8080": "foreign",
    f"http://{OWN}": "foreign",
    f"http://{OWN}:8081": "foreign",
    "http://evil.example": "foreign",
    f"http://{OWN}:8080.evil.example": "foreign",
    f"http://{OWN}:8080@evil.example": "foreign",
    "null": "foreign",
    "": "foreign",
    "http://[": "foreign",
}
SITES = {None: "none", "same-origin": "own", "none": "own", "same-site": "foreign", "cross-site": "foreign"}


@pytest.mark.parametrize(("origin", "site"), list(itertools.product(ORIGINS, SITES)))
@pytest.mark.parametrize("who", ["open", "bearer", "basic", "session", "login"])
@pytest.mark.promise("H6")
def test_another_sites_page_changes_nothing(origin: str | None, site: str | None, who: str) -> None:
    rules = access(None if who == "open" else TOKEN)
    headers: dict[str, str] = {
        "open": {},
        "login": {},
        "bearer": BEARER,
        "basic": {"Authorization": basic("x", TOKEN)},
        "session": session_of(rules),
    }[who]
    if origin is not None:
        headers = {**headers, "Origin": origin}
    if site is not None:
        headers = {**headers, "Sec_Fetch_Site": site}
    is_foreign = "foreign" in (ORIGINS[origin], SITES[site])
    needs_origin = who == "session" and origin is None
    expected = 403 if is_foreign or needs_origin else 200
    for method in ("POST", "PUT", "DELETE"):
        assert judged(rules, request(method, **headers), PUBLIC if who == "login" else CONTROL) == expected


def test_looking_needs_no_origin() -> None:
    rules = access()
    assert judged(rules, request(**session_of(rules))) == 200


HOSTS = {
    OWN: True,
    f"{OWN}:8080": True,
    "localhost": True,
    "LOCALHOST:8080": True,
    "localhost.": True,
    "127.0.0.1:8080": True,
    "127.8.8.8": True,
    "[::1]:8080": True,
    "cam.example": True,
    "CAM.example:443": True,
    "raspberrypi": True,
    "raspberrypi.lan": True,
    "raspberrypi.fritz.box:8080": True,
    "cam.home.arpa": True,
    "RASPBERRYPI.LOCAL.": True,
    "cam.internal": True,
    "192.0.2.11": True,  # a published port of a container, a router
    "[2001:db8::7]:8080": True,
    "203.0.113.5": True,
    "0.0.0.0": True,
    "": True,  # HTTP/1.0
    "evil.example": False,
    "evil.box": False,
    "fritz.box.evil.example": False,
    "lan.evil.example": False,
    "2130706433": False,
    "127.1": False,
    ".lan": False,
    "cam..lan": False,
    "localhost.evil.example": False,
    f"{OWN}.evil.example": False,
    f"evil.example@{OWN}": False,
    f"{OWN}/evil": False,
    f"{OWN}:port": False,
    " ": False,
    "[": False,
    "[::1": False,
}


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("token", [None, TOKEN])
@pytest.mark.promise("H6")
def test_a_name_that_strangers_can_make_point_here_is_refused(host: str, token: str | None) -> None:
    rules = access(token, allowed=("cam.example",))
    assert judged(rules, request(Host=host, **BEARER), VIEW) == (200 if HOSTS[host] else 403)
    assert judged(rules, request("POST", Host=host), PUBLIC) == (200 if HOSTS[host] else 403)


def test_what_is_public_is_shown_under_every_name() -> None:
    assert judged(access(), request(Host="evil.example"), PUBLIC) == 200


def test_a_page_behind_a_proxy_is_our_own_even_where_the_proxy_tells_nothing() -> None:
    rules = access(trusted=("192.0.2.99",))
    rules.public_url = "https://example.org/cam"
    own = {"Origin": "https://example.org", "Host": "127.0.0.1:8080"}
    assert judged(rules, request("POST", **own, **BEARER), CONTROL) == 200
    assert judged(rules, request("POST", **{**own, "Origin": "https://evil.example"}, **BEARER), CONTROL) == 403
    link = rules.links.sign("/media/a")
    assert judged(rules, request(path=f"/cam{link}"), Need("view", signed=True)) == 200
    assert rules.cookie_path(request(X_Forwarded_Host="example.org")) == "/cam/"
    assert rules.cookie_path(request(path="/cam/login")) == "/cam/"
    assert rules.cookie_path(request()) == "/"


@pytest.mark.parametrize(
    ("origin", "same"),
    [
        ("http://cam.example", True),
        ("http://cam.example:80", True),
        ("http://CAM.example", True),
        ("http://cam.example:8080", False),
        ("https://cam.example", False),
        ("http://", False),
        ("cam.example", False),
    ],
)
def test_an_origin_is_scheme_name_and_port(origin: str, same: bool) -> None:
    assert is_same_origin(origin, "http", "cam.example") is same


# ------------------------------------------------------------ proxies

FORWARDED = {"X_Forwarded_For": "203.0.113.5", "X_Forwarded_Proto": "https", "X_Forwarded_Host": "cam.example"}


@pytest.mark.promise("X5")
def test_what_a_stranger_forwards_is_not_believed() -> None:
    peer = Proxies(("198.51.100.0/24",)).peer_of(request(peer="192.0.2.99", **FORWARDED))
    assert (peer.address, peer.scheme, peer.host) == ("192.0.2.99", "http", f"{OWN}:8080")
    assert peer.through_unknown_proxy


def test_a_trusted_proxy_speaks_for_its_clients() -> None:
    peer = Proxies(("198.51.100.0/24",)).peer_of(request(peer="198.51.100.1", **FORWARDED))
    assert (peer.address, peer.scheme, peer.host) == ("203.0.113.5", "https", "cam.example")
    assert not peer.through_unknown_proxy


@pytest.mark.parametrize(
    ("told", "client"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("127.0.0.1, 203.0.113.5", "203.0.113.5"),
        ("evil, 203.0.113.5, 198.51.100.2", "203.0.113.5"),
        ("198.51.100.2", "198.51.100.2"),
        ("", "198.51.100.1"),
        ("203.0.113.5:4711", "203.0.113.5"),
        ('"[2001:db8::7]:4711"', "2001:db8::7"),
        ("[2001:DB8::7]", "2001:db8::7"),
        ("203.0.113.9, 203.0.113.5:1, 198.51.100.2:99", "203.0.113.5"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("203.0.113.5, unknown", "198.51.100.1"),
    ],
)
def test_of_a_chain_the_last_stranger_is_the_client(told: str, client: str) -> None:
    peer = Proxies(("198.51.100.0/24",)).peer_of(request(peer="198.51.100.1", X_Forwarded_For=told))
    assert peer.address == client


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        ("for=203.0.113.5;proto=https;host=cam.example", ("203.0.113.5", "https", "cam.example")),
        ('For="203.0.113.5:4711"; Proto=HTTPS', ("203.0.113.5", "https", OWN)),
        ('for=127.0.0.1;host=evil.example, for="[2001:db8::7]:4711"', ("2001:db8::7", "http", OWN)),
        ('for="[fe80::7%eth0]"', ("fe80::7", "http", OWN)),
        ("for=203.0.113.5, for=198.51.100.2;by=198.51.100.3", ("203.0.113.5", "http", OWN)),
        ("for=127.0.0.1, for=unknown", ("198.51.100.1", "http", OWN)),
        ("for=_hidden;proto=gopher", ("198.51.100.1", "http", OWN)),
        (r'host="cam\.example";for=203.0.113.5', ("203.0.113.5", "http", "cam.example")),
        ('for="127.0.0.1, for=203.0.113.5', ("203.0.113.5", "http", OWN)),
        ("", ("198.51.100.1", "http", OWN)),
    ],
)
def test_the_standard_header_of_a_trusted_proxy_is_read(told: str, seen: tuple[str, str, str]) -> None:
    peer = Proxies(("198.51.100.0/24",)).peer_of(request(peer="198.51.100.1", Host=OWN, Forwarded=told))
    assert (peer.address, peer.scheme, peer.host) == seen


def test_what_a_client_adds_beside_the_headers_of_its_proxy_is_not_read() -> None:
    invented = {"Forwarded": "for=127.0.0.1;proto=http;host=evil.example"}
    peer = Proxies(("198.51.100.0/24",)).peer_of(request(peer="198.51.100.1", **FORWARDED, **invented))
    assert (peer.address, peer.scheme, peer.host) == ("203.0.113.5", "https", "cam.example")
    only_the_address = {"X_Forwarded_For": "203.0.113.5", "Host": OWN}
    peer = Proxies(("198.51.100.0/24",)).peer_of(request(peer="198.51.100.1", **only_the_address, **invented))
    assert (peer.address, peer.scheme, peer.host) == ("203.0.113.5", "http", OWN)


def test_clients_of_a_proxy_that_speaks_the_standard_are_counted_apart() -> None:
    rules = access(trusted=("192.0.2.99",))
    for _ in range(GUESSES):
        judged(rules, request(Authorization="Bearer wrong", Forwarded="for=203.0.113.5"))
    assert judged(rules, request(**BEARER, Forwarded="for=203.0.113.5")) == 429
    assert judged(rules, request(**BEARER, Forwarded="for=203.0.113.6")) == 200


def test_forging_an_address_does_not_buy_more_guesses() -> None:
    rules = access()
    for number in range(GUESSES):
        judged(rules, request(Authorization="Bearer wrong", X_Forwarded_For=f"203.0.113.{number}"))
    assert judged(rules, request(**BEARER, X_Forwarded_For="203.0.113.200")) == 429


def test_a_port_in_a_forwarded_address_does_not_buy_more_guesses() -> None:
    rules = access(trusted=("192.0.2.99",))
    for number in range(GUESSES):
        judged(rules, request(Authorization="Bearer wrong", X_Forwarded_For=f"203.0.113.5:{4711 + number}"))
    assert judged(rules, request(**BEARER, X_Forwarded_For="203.0.113.5:1")) == 429
    for number in range(GUESSES):
        judged(rules, request(Authorization="Bearer wrong", X_Forwarded_For=f"[2001:db8::{number + 1}]:4711"))
    assert judged(rules, request(**BEARER, X_Forwarded_For="2001:db8::ffff")) == 429


def test_a_proxy_nobody_told_us_of_does_not_open_the_node_to_the_world() -> None:
    assert judged(access(None), request(peer="127.0.0.1", X_Forwarded_For="203.0.113.5")) == 403
    assert judged(access(None), request(peer="127.0.0.1", Forwarded="for=203.0.113.5")) == 403


def test_a_proxy_that_is_neither_address_nor_network_is_refused() -> None:
    with pytest.raises(ValueError, match=r"proxy\.example"):
        Proxies(("proxy.example",))


# ------------------------------------------------------------ links


def test_a_link_opens_routes_that_take_links_and_no_others() -> None:
    rules = access()
    link = rules.links.sign("/media/a", 60)
    assert judged(rules, request(path=link), Need("view", signed=True)) == 200
    assert judged(rules, request(path=link), VIEW) == 401
    assert judged(rules, request(path=link.replace("/media/a", "/media/b")), Need("view", signed=True)) == 403
    assert judged(rules, request(path="/media/a"), Need("view", signed=True)) == 401


def test_a_link_that_has_ended_is_said_to_have_ended_unless_the_token_comes_with_it() -> None:
    rules = access()
    link = rules.links.sign("/media/a", 0)
    assert judged(rules, request(path=link), Need("view", signed=True)) == 403
    assert judged(rules, request(path=link, **BEARER), Need("view", signed=True)) == 200


# ------------------------------------------------------------ connections


class Member:
    def __init__(self, address: str, *, is_served: bool = False) -> None:
        self.address, self.is_served, self.closed = address, is_served, False

    def force_close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True


def limited(viewers: int = 10, trusted: Any = lambda _address: False) -> ConnectionLimit:
    return ConnectionLimit(lambda: viewers, trusted)


def test_idle_connections_make_room_for_a_new_one_the_oldest_first() -> None:
    limit = limited()
    idle = [Member("192.0.2.1") for _ in range(CONNECTIONS_PER_CLIENT + 10)]
    assert all(limit.admit(member) for member in idle)
    assert limit.admit(Member("192.0.2.1"))
    assert [member.closed for member in idle[:2]] == [True, False]
    assert limit.evicted == 1
    assert len(limit) == len(idle)


def test_a_served_connection_is_not_evicted() -> None:
    limit = limited()
    busy = [Member("192.0.2.1", is_served=True) for _ in range(CONNECTIONS_PER_CLIENT + 10)]
    assert all(limit.admit(member) for member in busy)
    assert not limit.admit(Member("192.0.2.1"))
    assert limit.refused == 1
    assert not any(member.closed for member in busy)
    assert limit.admit(Member("192.0.2.2"))


def test_the_whole_is_bounded_over_all_addresses() -> None:
    limit = limited()
    for number in range(CONNECTIONS_MAX + 10):
        assert limit.admit(Member(f"192.0.2.{number}", is_served=True))
    assert not limit.admit(Member("198.51.100.1"))


def test_as_many_viewers_as_allowed_fit_in_from_one_address() -> None:
    limit = limited(viewers=64)
    assert all(limit.admit(Member("192.0.2.1", is_served=True)) for _ in range(64 + CONNECTIONS_PER_CLIENT))


def test_a_house_with_many_ipv6_addresses_gets_no_more_places_than_one_address() -> None:
    limit = limited()
    for number in range(CONNECTIONS_PER_CLIENT + 10):
        assert limit.admit(Member(f"2001:db8::{number:x}", is_served=True))
    assert not limit.admit(Member("2001:db8::ffff"))
    assert limit.admit(Member("2001:db8:0:1::1"))


def test_a_trusted_proxy_brings_many() -> None:
    limit = limited(viewers=1, trusted=lambda address: address == "192.0.2.1")
    assert all(limit.admit(Member("192.0.2.1", is_served=True)) for _ in range(CONNECTIONS_MAX))


def test_who_leaves_makes_room() -> None:
    limit = limited(viewers=1)
    members = [Member("192.0.2.1", is_served=True) for _ in range(CONNECTIONS_PER_CLIENT + 1)]
    for member in members:
        limit.admit(member)
    limit.remove(members[3])
    limit.remove(members[3])
    assert limit.admit(Member("192.0.2.1"))


def test_before_the_end_only_those_go_who_ask_for_nothing() -> None:
    limit = limited()
    idle, served = Member("192.0.2.1"), Member("192.0.2.1", is_served=True)
    limit.admit(idle)
    limit.admit(served)
    limit.close_idle()
    assert (idle.closed, served.closed) == (True, False)


def test_at_the_end_all_go() -> None:
    limit = limited()
    members = [Member("192.0.2.1", is_served=served) for served in (True, False)]
    for member in members:
        limit.admit(member)
    limit.close_all()
    assert all(member.closed for member in members)
