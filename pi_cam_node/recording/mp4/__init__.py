"""MP4 writer and reader: fragmented while recording, plain when closed, repair after a crash.

Not by libav: these few boxes need little memory in the node's process, cannot crash it, and give full control of what
is on disk. ISO/IEC 14496-12 (boxes), 14496-15 (AVC in them).
"""
