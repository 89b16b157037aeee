"""Reasons why an RTSP stream cannot be opened or ended, in words with advice, from PyAV's errors."""

from __future__ import annotations

import errno

import av

from pi_cam_node.base.redaction import without_logins
from pi_cam_node.camera.source import LOGIN_ADVICE
from pi_cam_node.camera.sources.rtsp_limits import ADVICE, OPEN_TIMEOUT_MS

_ANSWERS = {
    av.error.HTTPUnauthorizedError: f"401: {LOGIN_ADVICE}; where the camera allows SHA-256 alone, allow MD5 too",
    av.error.HTTPForbiddenError: "403: it refuses this login for this stream",
    av.error.HTTPNotFoundError: "404: it has no such stream; its manual or web page tells the path",
}
# Of the other answers FFmpeg tells only the first digit.
_BUSY = "it does not serve the stream now: end other programs that watch it, as it may allow no more, or restart it"
_TOO_LATE = f"no whole answer came within {OPEN_TIMEOUT_MS / 1000:g} s; check host and port, or restart the camera"
_BY_NUMBER = {
    errno.ECONNREFUSED: "nothing listens there; check host and port, and whether RTSP is switched on in the camera",
    errno.EHOSTUNREACH: "no device has this address; check it, and whether the camera is switched on",
    errno.ETIMEDOUT: _TOO_LATE,
    # What FFmpeg makes of an unknown host, and of a connection that ended.
    errno.EIO: "no such host is known, or it broke off; check the host",
    errno.EPERM: "it broke off",
    errno.ENOMEM: "its answer is too long",
    errno.EPROTONOSUPPORT: "it offers neither TCP nor UDP",
}


def reason_not_opened(error: Exception, took_s: float) -> str:
    """Return why a stream cannot be opened, with advice.

    Args:
        error: What PyAV raised.
        took_s: Seconds until then; FFmpeg calls a missing answer invalid, like one of another protocol.
    """
    for kind, words in _ANSWERS.items():
        if isinstance(error, kind):
            return words
    if isinstance(error, av.error.HTTPError | av.error.HTTPClientError):
        return f"{_told(error)}; {_BUSY}"
    if isinstance(error, av.error.ExitError) or took_s >= OPEN_TIMEOUT_MS / 1000:
        return _TOO_LATE
    if isinstance(error, av.error.InvalidDataError):
        return "its answer is not RTSP, or none; check the port, or restart the camera"
    return _BY_NUMBER.get(getattr(error, "errno", None) or 0) or f"{_told(error)}; {ADVICE}"


def reason_ended(error: Exception) -> str:
    """Return why a stream ended."""
    return "nothing came in time" if isinstance(error, av.error.ExitError) else _told(error)


def _told(error: Exception) -> str:
    return without_logins(getattr(error, "strerror", None) or str(error))
