"""Sends commands to nodes, and matches final replies to them."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from pi_cam_node.base.errors import Busy, CameraDown, DeadlinePassed
from pi_cam_node.base.strict_json import json_object
from pi_cam_node.core.commands.reply_deadlines import reply_deadline_s

REQUESTS_WAITING_MAX = 64
DEADLINE_S = 15.0

Send = Callable[[str, str, bytes, bytes], bool]


class Requests:
    """Pending requests to nodes. Thread: the loop's.

    Args:
        send: Publishes a command: node, verb, payload, correlation data; returns whether it was sent.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}

    async def ask(
        self, node: str, verb: str, arguments: Mapping[str, object] | None = None, deadline_s: float | None = None
    ) -> dict[str, Any]:
        """Return the final reply of a node to a command.

        Raises:
            Busy: Too many requests are pending.
            CameraDown: The broker is not connected.
            DeadlinePassed: The node did not answer in time.
        """
        if len(self._waiting) >= REQUESTS_WAITING_MAX:
            raise Busy("too many commands are waiting")
        name = uuid.uuid4().hex
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[name] = future
        payload = json.dumps({**(arguments or {}), "id": name}).encode()
        limit_s = deadline_s or reply_deadline_s(verb, DEADLINE_S)
        try:
            if not self._send(node, verb, payload, name.encode()):
                raise CameraDown("the broker is unreachable; nothing was sent")
            return await asyncio.wait_for(future, limit_s)
        except TimeoutError:
            raise DeadlinePassed(f"{node} did not answer within {limit_s:g} s") from None
        finally:
            del self._waiting[name]

    def take(self, payload: bytes, correlation: bytes | None) -> None:
        """Hand a reply to its pending request; other replies are ignored."""
        named = correlation.decode("ascii", "replace") if correlation else ""
        if not self._waiting or (named and named not in self._waiting):
            return  # anybody's: not worth being read
        body = json_object(payload)
        if body.get("stage") != "final":
            return
        name = named or str(body.get("id", ""))
        future = self._waiting.get(name)
        if future is not None and not future.done():
            future.set_result(body)
