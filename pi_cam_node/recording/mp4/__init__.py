"""MP4 writer and reader: fragmented while recording, plain when closed, repair after a crash.

Written without libav, to save memory in the node's process, avoid crashes, and control exactly what is on disk. Source:
ISO/IEC 14496-12 (boxes), 14496-15 (AVC).
"""
