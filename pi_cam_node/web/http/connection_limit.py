"""Who is connected, and who goes when there are too many.

A connection that has not finished asking makes room for a new one, the oldest first: a flood of idle or
dribbling ones puts out itself and not those who come with a request. What anybody may have counts as no
request: strangers could keep every place by taking it slowly. Only where all are being answered is a new
one sent away.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pi_cam_node.web.app_keys import app_key
from pi_cam_node.web.auth.client_key import client_key

# Beside the viewers of the stream, each of whom holds one.
CONNECTIONS_MAX = 64
# A browser opens six at a time, and a house has one router's address for all its browsers.
CONNECTIONS_PER_ADDRESS = 16


class Member(Protocol):
    """A connection, as the crowd sees it."""

    @property
    def address(self) -> str:
        """The client's address."""
        ...

    @property
    def is_served(self) -> bool:
        """Whether it has asked for something that not everybody may have, and is being answered."""
        ...

    def force_close(self) -> None:
        """End it once what was said to it is sent."""
        ...

    def abort(self) -> None:
        """End it at once."""
        ...


class ConnectionLimit:
    """The connections of the server, oldest first.

    Args:
        viewers_max: Returns how many viewers are allowed.
        is_proxy: Tells whether an address is a trusted proxy, which speaks for many.
    """

    def __init__(self, viewers_max: Callable[[], int], is_proxy: Callable[[str], bool]) -> None:
        self._viewers_max = viewers_max
        self._is_proxy = is_proxy
        self._members: dict[Member, str] = {}  # and the house that each is of
        self.refused = 0
        self.put_out = 0

    def __len__(self) -> int:
        return len(self._members)

    def admit(self, member: Member) -> bool:
        """Take one in, at the cost of one that asks for nothing where it must be; return whether there is room."""
        viewers, house = self._viewers_max(), client_key(member.address)
        alike = [m for m, lives_in in self._members.items() if lives_in == house]
        if len(alike) >= CONNECTIONS_PER_ADDRESS + viewers and not self._is_proxy(member.address):
            has_room = self._put_one_out(alike)
        elif len(self._members) >= CONNECTIONS_MAX + viewers:
            has_room = self._put_one_out(list(self._members))
        else:
            has_room = True
        if has_room:
            self._members[member] = house
        else:
            self.refused += 1
        return has_room

    def leave(self, member: Member) -> None:
        """Forget one."""
        self._members.pop(member, None)

    def send_idle_home(self) -> None:
        """End those who ask for nothing, so that the end of the server waits for none of them."""
        for member in [member for member in self._members if not member.is_served]:
            member.force_close()

    def disperse(self) -> None:
        """End all of them: the server stops."""
        for member in list(self._members):
            member.abort()

    def _put_one_out(self, among: list[Member]) -> bool:
        idle = next((m for m in among if not m.is_served), None)
        if idle is None:
            return False
        self._members.pop(idle)
        self.put_out += 1
        idle.force_close()
        return True


CROWD = app_key("crowd", ConnectionLimit)
