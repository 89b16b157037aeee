"""Limits of RTSP streams, and advice for streams that cannot be opened; shared by both readers."""

# OpenCV 4.11's package analyses five seconds and at least five pictures: nine seconds at one picture per second. A
# worker that reopens a stream has less time (`timeouts.REOPEN_S`), but the process that replaces it has enough. Without
# a separate process, a worker must respond before it counts as stuck (`timeouts.STUCK_S`), even after a read that
# timed out.
OPEN_TIMEOUT_MS = 12_000
# Longer than the interval of key frames, as OpenCV measures from the call, not from the last packet.
READ_TIMEOUT_MS = 10_000
ADVICE = (
    "nothing answers there, it refuses the login, or it has no such stream; check host, port, login and path, "
    "for example with ffprobe; # / ? % in a password are written %23 %2F %3F %25"
)
CODEC_ADVICE = "choose H.264 in its settings"
NO_PICTURES = f"sends no pictures that can be read; restart it, or {CODEC_ADVICE}"
