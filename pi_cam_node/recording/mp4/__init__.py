"""MP4 without a library: fragments while recording, a plain file when it is closed, repair after a crash.

Written here and not by libav, because these few boxes cost no memory in the node's process, cannot crash it, and say
byte by byte what is on the disk at any time. ISO/IEC 14496-12 (boxes), 14496-15 (AVC in them).
"""
