"""Channels other than Web Push (ntfy, Pushover, mail …) by Apprise (extra ``notify``), imported at first use.

Apprise also reaches services that a web page must not: the desktop's, the system's log. Only the schemes of `SCHEMES`
are used, and only owners add channels, since an address may name any host of the local network.
"""

from __future__ import annotations

import asyncio
import html
import importlib
import importlib.util
import logging
import threading
from contextlib import suppress
from dataclasses import field
from typing import Any
from urllib.parse import quote

from pi_cam_node.base.extras import install_command
from pi_cam_node.base.frozen import frozen
from pi_cam_node.console.push.sender import Outcome

SCHEMES = (
    *("discord", "gotify", "gotifys", "hassio", "hassios", "json", "jsons", "mailto", "mailtos", "matrix", "matrixs"),
    *("ntfy", "ntfys", "pbul", "pover", "psafer", "psafers", "signal", "signals", "slack", "tgram", "xmpp", "xmpps"),
)
URL_MAX = 2048
TIMEOUT_S = 30.0
# Greatest number of threads that wait for services; a service that never ends its response blocks one for good.
THREADS_MAX = 4
_WHY_MAX = 160


@frozen
class Notice:
    """A message for a channel.

    Attributes:
        title: First line.
        body: Second line.
        link: Absolute address of the event.
        picture: A JPEG; empty for none.
    """

    title: str
    body: str
    link: str
    picture: bytes = field(default=b"", repr=False)


class NotifySender:
    """Sends notices to channels, each in a thread of its own. Thread: the loop's."""

    def __init__(self) -> None:
        self._running = 0

    async def send(self, url: str, notice: Notice) -> Outcome:
        """Send a notice; errors are returned as an `Outcome`."""
        if self._running >= THREADS_MAX:
            return Outcome("retry", why="earlier messages are still under way")
        loop, result = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()

        def finish(outcome: Outcome) -> None:
            self._running -= 1
            if not result.done():
                result.set_result(outcome)

        def work() -> None:
            outcome = _sent(url, notice)
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(finish, outcome)

        self._running += 1
        threading.Thread(target=work, name="console-notify", daemon=True).start()
        try:
            return await asyncio.wait_for(result, TIMEOUT_S)
        except TimeoutError:
            return Outcome("retry", why=f"it did not answer within {TIMEOUT_S:g} s")


def is_installed() -> bool:
    """Tell whether the extra ``notify`` is installed."""
    return importlib.util.find_spec("apprise") is not None


def install_hint() -> str:
    """Return advice for a missing extra ``notify``."""
    return f"Other channels need the extra notify: `{install_command('notify')}`"


def fault_of(url: str) -> str:
    """Return why an address is no channel; empty if it is one. Imports Apprise. Thread: an executor."""
    if not is_installed():
        return install_hint()
    scheme, has_scheme, _ = url.partition("://")
    if len(url) > URL_MAX or not has_scheme or not url.isprintable():
        return "this is no address of a channel, such as ntfys://ntfy.sh/topic"
    if scheme.lower() not in SCHEMES:
        return f"{scheme[:20]} is none of the channels; there are {', '.join(SCHEMES)}"
    return (
        "" if _channel(url) is not None else f"this is no address of {scheme}; Apprise's documentation tells its form"
    )


def _channel(url: str) -> Any:
    """Return Apprise's object for an address; ``None`` for an unknown one. Writes nothing to disk."""
    apprise = importlib.import_module("apprise")  # 36 MiB
    mode = importlib.import_module("apprise.common").PersistentStoreMode.MEMORY
    asset = apprise.AppriseAsset(app_id="pi_cam_node", storage_mode=mode, plugin_paths=[])
    return apprise.Apprise.instantiate(url, asset=asset)


def _sent(url: str, notice: Notice) -> Outcome:
    """Send a notice and wait for the service; errors are returned. Thread: one of its own."""
    said = _Said()
    logger = logging.getLogger("apprise")
    logger.addHandler(said)
    try:
        fault = fault_of(url)
        if fault:
            return Outcome("failed", why=fault)
        memory = importlib.import_module("apprise.attachment.memory")  # by name: its types are incomplete
        attached = (
            [memory.AttachMemory(notice.picture, name="picture.jpg", mimetype="image/jpeg")] if notice.picture else None
        )
        text = f"{notice.body}\n{notice.link}".strip()
        is_sent = _told(_channel(_with_click(url, notice.link)), notice.title, text, attached)
    except Exception as error:
        return Outcome("retry", why=f"{type(error).__name__}: {error}"[:_WHY_MAX])
    finally:
        logger.removeHandler(said)
    return Outcome("sent") if is_sent else Outcome("retry", why=said.last or "the service did not take it")


def _told(channel: Any, title: str, body: str, attached: object) -> bool:
    """Send a message that is text: names are those of the nodes. Return whether the service took it."""
    chosen = channel.resolve_format("text")  # Telegram knows HTML alone
    if chosen == "html":
        body = html.escape(body).replace("\n", "<br/>")
        # The first line of the body for Telegram; the subject of a mail is no HTML.
        title = html.escape(title) if channel.title_maxlen <= 0 else title
    return bool(channel.notify(body=body, title=title, attach=attached, body_format=chosen))


def _with_click(url: str, link: str) -> str:
    """Return an ntfy address with the link that a tap opens."""
    if not url.lower().startswith(("ntfy://", "ntfys://")) or "click=" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}click={quote(link, safe='')}"


class _Said(logging.Handler):
    """Log handler that keeps Apprise's last warning in this thread; Apprise itself returns success or failure only."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._thread = threading.get_ident()
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.last = record.getMessage()[:_WHY_MAX]
