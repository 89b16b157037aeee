"""Reasons of RTSP streams that cannot be read: in words, with what to do, and without the login."""

from __future__ import annotations

import errno
from typing import Any

import pytest

av: Any = pytest.importorskip("av", reason="the extra video is not installed")

from pi_cam_node.base.redaction import without_logins  # noqa: E402 - PyAV is there
from pi_cam_node.camera.sources.rtsp_errors import reason_ended, reason_not_opened  # noqa: E402 - PyAV is there

INVALID = av.error.InvalidDataError(1, "Invalid data found when processing input")


@pytest.mark.parametrize(
    ("error", "took_s", "words"),
    [
        (av.error.HTTPUnauthorizedError(1, "Server returned 401"), 0.1, "401: it refuses the login"),
        (av.error.HTTPForbiddenError(1, "Server returned 403"), 0.1, "403: it refuses this login"),
        (av.error.HTTPNotFoundError(1, "Server returned 404"), 0.1, "404: it has no such stream"),
        (av.error.HTTPOtherClientError(1, "4XX"), 0.1, "4XX; it does not serve the stream now"),
        (av.error.HTTPServerError(1, "5XX"), 0.1, "5XX; it does not serve the stream now"),
        (av.error.ConnectionRefusedError(errno.ECONNREFUSED, "refused"), 0.1, "nothing listens there"),
        (av.error.OSError(errno.EHOSTUNREACH, "No route to host"), 3.0, "no device has this address"),
        (av.error.OSError(errno.EIO, "Input/output error"), 0.1, "no such host is known"),
        (av.error.MemoryError(errno.ENOMEM, "Cannot allocate memory"), 1.0, "its answer is too long"),
        (av.error.ExitError(1, "Immediate exit requested"), 11.0, "no whole answer came within 12 s"),
        (INVALID, 12.1, "no whole answer came within 12 s"),
        (INVALID, 0.1, "its answer is not RTSP, or none; check the port"),
        (av.error.OSError(errno.EPIPE, "Broken pipe"), 0.1, "Broken pipe; nothing answers there"),
    ],
)
def test_a_stream_that_cannot_be_opened_has_a_reason_and_advice(error: Exception, took_s: float, words: str) -> None:
    reason = reason_not_opened(error, took_s)
    assert reason.startswith(words)
    assert without_logins(reason) == reason, "no example of an address is masked on its way"


def test_a_login_in_an_error_is_masked() -> None:
    error = av.error.OSError(errno.EPIPE, "rtsp://cam:hunter2@porch.example/live")
    assert "hunter2" not in reason_not_opened(error, 0.1) + reason_ended(error)


def test_a_stream_that_ends_says_why() -> None:
    assert reason_ended(av.error.ExitError(1, "Immediate exit requested")) == "nothing came in time"
    assert reason_ended(av.error.OSError(errno.ECONNRESET, "Connection reset by peer")) == "Connection reset by peer"
