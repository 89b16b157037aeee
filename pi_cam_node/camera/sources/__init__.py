"""Camera sources: each file implements one kind of camera, or a substitute for one."""
