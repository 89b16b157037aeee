"""Sends one message to one push service, and interprets the response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import aiohttp

from pi_cam_node.base.frozen import frozen
from pi_cam_node.console.push.encryption import encrypt
from pi_cam_node.console.push.endpoints import Endpoints, PublicResolver
from pi_cam_node.console.push.vapid import Vapid

TTL_S = 3600
TIMEOUT_S = 15.0
RETRY_AFTER_MAX_S = 3600
TOPIC_MAX = 32


@frozen
class Outcome:
    """Result of an attempt to send.

    Attributes:
        state: ``sent``; ``gone``: the subscription has ended; ``failed``: do not retry; ``retry``: retry later.
        code: HTTP status of the service; ``None`` without a response.
        why: Reason, as text.
        retry_after_s: Least seconds until the next attempt.
    """

    state: Literal["sent", "gone", "failed", "retry"]
    code: int | None = None
    why: str = ""
    retry_after_s: float = 0.0


class PushSender:
    """The HTTP client for push services. Thread: the loop's."""

    def __init__(self, vapid: Vapid, endpoints: Endpoints) -> None:
        self._vapid = vapid
        self._endpoints = endpoints
        self._client: aiohttp.ClientSession | None = None

    async def send(self, endpoint: str, keys: Mapping[str, str], message: bytes, topic: str) -> Outcome:
        """Send a message; errors are returned as an `Outcome`."""
        fault = self._endpoints.fault_of(endpoint)
        if fault:
            return Outcome("gone", why=fault)
        try:
            body = encrypt(message, keys.get("p256dh", ""), keys.get("auth", ""))
        except ValueError as error:
            return Outcome("gone", why=f"its keys are unusable: {error}")
        headers = {
            "Authorization": self._vapid.authorization(endpoint),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(TTL_S),
            "Urgency": "high",
            "Topic": topic[:TOPIC_MAX],
        }
        try:
            async with self._session().post(endpoint, data=body, headers=headers, allow_redirects=False) as answer:
                said = (await answer.content.read(300)).decode("utf-8", "replace")
                return outcome_of(answer.status, said, answer.headers.get("Retry-After", ""))
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            return Outcome("retry", why=f"the push service cannot be reached: {error or type(error).__name__}")

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()

    def _session(self) -> aiohttp.ClientSession:
        if self._client is None:
            connector = aiohttp.TCPConnector(resolver=PublicResolver(self._endpoints), limit=8)
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
            self._client = aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False)
        return self._client


def outcome_of(status: int, said: str, retry_after: str) -> Outcome:
    """Return the outcome of a push service's response. Source: RFC 8030, section 5; Apple's BadJwtToken."""
    if 200 <= status < 300:
        return Outcome("sent", status)
    if status in {404, 410}:
        return Outcome("gone", status, "the browser has ended its subscription")
    if status == 429 or status >= 500:
        wait_s = float(retry_after) if retry_after.isdecimal() else 0.0
        return Outcome("retry", status, "the push service is busy", min(wait_s, RETRY_AFTER_MAX_S))
    if status == 403 and "BadJwt" in said:
        return Outcome("failed", status, "Apple refuses pushes without a real console.vapid_subject")
    return Outcome("failed", status, f"the push service refused it: {said.strip()[:100] or status}")
