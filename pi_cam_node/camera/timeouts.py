"""How long the camera may take to do what it is told, in seconds."""

from __future__ import annotations

OPEN_S = 30.0
"""For a new worker: slow boards import for ten seconds, network cameras answer after some."""
REOPEN_S = 5.0
"""For a worker that shall close and open again because frames stopped."""
RECONFIGURE_S = 10.0
"""For a healthy one that shall do so because the settings changed."""
FIRST_FRAME_S = 15.0
"""From opening to the first frame: a network camera may send its next key frame ten seconds later."""
SWITCH_S = 5.0
"""What a change of mode may take at least beyond the usual deadline; see also `hidden_s`."""
