"""How long a caller waits for the final reply to a command: longer than the node allows itself for it."""

from __future__ import annotations

# Longest job on the worker thread; an SD card that stalls for longer is broken.
WORK_TIMEOUT_S = 120.0
# Longest time before, and after, the moment of a clip.
CLIP_MAX_S = 120.0
# For the frame that a job waits for, and for sending command and reply.
_SPARE_S = 30.0
# A clip may end in the future; stacking and encoding take as long as the machine needs.
_PATIENT_S = {"pastStack": WORK_TIMEOUT_S + _SPARE_S, "clip": CLIP_MAX_S + WORK_TIMEOUT_S + _SPARE_S}


def reply_deadline_s(verb: str, usual_s: float) -> float:
    """Return the seconds to wait for the final reply to a command.

    Args:
        verb: The command.
        usual_s: Seconds to wait for a command that the node carries out at once.
    """
    return _PATIENT_S.get(verb, usual_s)
