"""Timeouts of an RTSP stream, and what to do about one that cannot be opened; the same for both readers."""

# OpenCV 4.11's package looks at five seconds of pictures, and at five at least: nine seconds where one comes a second.
# A worker that shall open again has less time (`timeouts.REOPEN_S`); the process that takes its place has enough.
# Where there is no process to replace, it must answer before it counts as stuck (`timeouts.STUCK_S`), and a read
# that hangs may go before.
OPEN_TIMEOUT_MS = 12_000
# Longer than the pause before a key frame: OpenCV counts from the call, not from the last packet.
READ_TIMEOUT_MS = 10_000
ADVICE = (
    "nothing answers there, it refuses the login, or it has no such stream; check host, port, login and path, "
    "for example with ffprobe; # / ? % in a password are written %23 %2F %3F %25"
)
