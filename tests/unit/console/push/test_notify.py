"""Apprise channels: accepted addresses, and errors; nothing is sent."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable

import pytest
from pytest_mock import MockerFixture

pytest.importorskip("cryptography", reason="the extra console is not installed")

from pi_cam_node.console.push import notify
from pi_cam_node.console.push.notify import Notice, NotifySender
from pi_cam_node.console.push.sender import Outcome

NOTICE = Notice("The door is open", "Porch", "https://house.example/events/1")


def test_without_the_extra_the_remedy_is_told(mocker: MockerFixture) -> None:
    mocker.patch("importlib.util.find_spec", return_value=None)
    assert " -m pip install 'apprise" in notify.fault_of("ntfys://ntfy.sh/topic")


# A library of Apprise's imports it on Python 3.11 and 3.12.
@pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ntfys://ntfy.sh/topic", ""),
        ("mailtos://anna:secret@posteo.de", ""),
        ("json://192.0.2.7/hook", ""),
        ("pover://", "no address of pover"),
        ("ntfy.sh/topic", "no address of a channel"),
        ("dbus://", "none of the channels"),
        ("syslog://", "none of the channels"),
        ("file:///etc/passwd", "none of the channels"),
        ("ntfys://ntfy.sh/to\npic", "no address of a channel"),
        ("ntfys://" + "x" * 4000, "no address of a channel"),
    ],
)
def test_addresses_of_known_services_are_taken_and_nothing_else(url: str, words: str) -> None:
    pytest.importorskip("apprise", reason="the extra notify is not installed")
    fault = notify.fault_of(url)
    assert (words in fault) if words else not fault


def test_a_tap_on_ntfys_message_opens_the_event() -> None:
    assert notify._with_click("ntfy://h/t", "https://a/events/1") == "ntfy://h/t?click=https%3A%2F%2Fa%2Fevents%2F1"
    assert notify._with_click("ntfy://h/t?tags=a", "https://a/").endswith("?tags=a&click=https%3A%2F%2Fa%2F")
    assert notify._with_click("tgram://x/y", "https://a/") == "tgram://x/y"


ODD = notify.Notice("Tom & <b>", "motion in <a href='http://192.0.2.1'>here</a>", "https://cam.example.org/events/7")


def test_a_mail_holds_what_nodes_are_called_as_text(mocker: MockerFixture) -> None:
    """It was HTML: a node could put links and pictures of its own into it."""
    pytest.importorskip("apprise", reason="the extra notify is not installed")
    mails: list[str] = []

    class Server:
        """Takes a mail without asking anything."""

        def __init__(self, *_where: object, **_more: object) -> None: ...

        def sendmail(self, _sender: str, _to: object, mail: str) -> None:
            mails.append(mail)

        def __getattr__(self, _name: str) -> Callable[..., None]:
            return lambda *_words, **_more: None

    for name in ("SMTP", "SMTP_SSL"):
        mocker.patch(f"smtplib.{name}", Server)
    assert notify._sent("mailtos://user:password@example.org", ODD).state == "sent"
    (mail,) = mails
    assert "text/html" not in mail
    assert f"{ODD.body.replace('=', '=3D')}\n{ODD.link}" in mail


def test_telegram_gets_what_nodes_are_called_escaped(mocker: MockerFixture) -> None:
    """It refuses a message with tags that it does not know, so that it never came."""
    pytest.importorskip("apprise", reason="the extra notify is not installed")
    post = mocker.patch("requests.post")
    post.return_value.status_code, post.return_value.content = 200, b'{"ok": true, "result": {"id": 1}}'
    assert notify._sent("tgram://123456789:abcdefghijABCDEFGHIJabcdefghijABCDE/12315544/", ODD).state == "sent"
    sent = str(post.call_args)
    assert "Tom &amp; &lt;b&gt;" in sent
    assert "<a " not in sent


def test_a_failure_is_told_in_the_words_of_this_thread_only() -> None:
    said = notify._Said()
    said.handle(logging.makeLogRecord({"msg": "507: no space", "levelno": logging.WARNING}))
    other = logging.makeLogRecord({"msg": "of another", "levelno": logging.WARNING, "thread": 1})
    said.handle(other)
    assert said.last == "507: no space"


def test_services_that_do_not_answer_use_a_bounded_number_of_threads(mocker: MockerFixture) -> None:
    answered = threading.Event()

    def hang(_url: str, _notice: Notice) -> Outcome:
        answered.wait(60)
        return Outcome("sent")

    mocker.patch.object(notify, "_sent", hang)
    mocker.patch.object(notify, "TIMEOUT_S", 0.01)

    async def scenario() -> None:
        sender = NotifySender()
        outcomes = [await sender.send("ntfy://h/t", NOTICE) for _ in range(notify.THREADS_MAX + 1)]
        assert ["did not answer" in one.why for one in outcomes] == [True] * notify.THREADS_MAX + [False]
        assert outcomes[-1] == Outcome("retry", why="earlier messages are still under way")
        answered.set()
        async with asyncio.timeout(60):
            while sender._running:  # noqa: ASYNC110 - the threads end by themselves
                await asyncio.sleep(0.01)
        mocker.patch.object(notify, "TIMEOUT_S", 30.0)
        assert (await sender.send("ntfy://h/t", NOTICE)).state == "sent"

    asyncio.run(scenario())
