"""Structures and constants of Video4Linux for memory-to-memory codecs (linux/videodev2.h, v4l2-controls.h).

In native layout, for 32-bit and 64-bit systems.
"""

from __future__ import annotations

from ctypes import (
    Structure,
    Union,
    c_char,
    c_int,
    c_int32,
    c_long,
    c_uint8,
    c_uint16,
    c_uint32,
    c_ulong,
    c_void_p,
    sizeof,
)

OUTPUT, CAPTURE = 10, 9
"""Multi-planar queues: input of pictures, and output of packets."""

MMAP, FIELD_NONE, COLORSPACE_JPEG = 1, 1, 7
YUV420, H264 = 0x32315559, 0x34363248
KEY_FRAME_FLAG, ERROR_FLAG = 0x8, 0x40
_TIME_PER_FRAME = 0x1000

BITRATE, REPEAT_SEQ_HEADER, FORCE_KEY_FRAME = 0x009909CF, 0x009909E2, 0x009909E5
H264_I_PERIOD, H264_LEVEL, H264_PROFILE = 0x00990A66, 0x00990A67, 0x00990A6B
PROFILE_MAIN, LEVEL_4_0 = 2, 11

_PLANES_MAX = 8
_WRITE, _READ = 1, 2


class Capability(Structure):
    """Driver name and capabilities of a device."""

    _fields_ = (
        ("driver", c_char * 16),
        ("card", c_char * 32),
        ("bus_info", c_char * 32),
        ("version", c_uint32),
        ("capabilities", c_uint32),
        ("device_caps", c_uint32),
        ("reserved", c_uint32 * 3),
    )


class PlaneFormat(Structure):
    """Size of a plane and of its rows, in bytes."""

    _fields_ = (("sizeimage", c_uint32), ("bytesperline", c_uint32), ("reserved", c_uint16 * 6))


class PixelFormat(Structure):
    """Size and format of the pictures of a queue."""

    _fields_ = (
        ("width", c_uint32),
        ("height", c_uint32),
        ("pixelformat", c_uint32),
        ("field", c_uint32),
        ("colorspace", c_uint32),
        ("plane_fmt", PlaneFormat * _PLANES_MAX),
        ("num_planes", c_uint8),
        ("flags", c_uint8),
        ("ycbcr_enc", c_uint8),
        ("quantization", c_uint8),
        ("xfer_func", c_uint8),
        ("reserved", c_uint8 * 7),
    )


class _AnyFormat(Union):
    # The kernel's union contains a pointer, which determines its alignment.
    _fields_ = (("pix_mp", PixelFormat), ("pointer", c_void_p), ("raw", c_uint8 * 200))


class Format(Structure):
    """Format of a queue."""

    _fields_ = (("type", c_uint32), ("fmt", _AnyFormat))


class RequestBuffers(Structure):
    """Requested number of buffers of a queue; 0 frees them."""

    _fields_ = (
        ("count", c_uint32),
        ("type", c_uint32),
        ("memory", c_uint32),
        ("capabilities", c_uint32),
        ("flags", c_uint32),
    )


class Plane(Structure):
    """Memory of a buffer; ``m`` holds its offset for `mmap` in the lower 32 bits."""

    _fields_ = (
        ("bytesused", c_uint32),
        ("length", c_uint32),
        ("m", c_ulong),
        ("data_offset", c_uint32),
        ("reserved", c_uint32 * 11),
    )


class Buffer(Structure):
    """A buffer to queue, or a dequeued one; ``planes`` is the address of its `Plane`."""

    _fields_ = (
        ("index", c_uint32),
        ("type", c_uint32),
        ("bytesused", c_uint32),
        ("flags", c_uint32),
        ("field", c_uint32),
        ("seconds", c_long),
        ("microseconds", c_long),
        ("timecode", c_uint32 * 4),
        ("sequence", c_uint32),
        ("memory", c_uint32),
        ("planes", c_void_p),
        ("length", c_uint32),
        ("reserved2", c_uint32),
        ("request_fd", c_int32),
    )


class StreamParameters(Structure):
    """Frame rate, as the duration of a picture."""

    _fields_ = (
        ("type", c_uint32),
        ("capability", c_uint32),
        ("outputmode", c_uint32),
        ("numerator", c_uint32),
        ("denominator", c_uint32),
        ("rest", c_uint8 * 184),
    )

    @classmethod
    def of_rate(cls, rate_hz: float) -> StreamParameters:
        """Return the parameters for a frame rate."""
        return cls(OUTPUT, _TIME_PER_FRAME, 0, 1000, max(1, round(rate_hz * 1000)))


class Control(Structure):
    """Value of a control."""

    _fields_ = (("id", c_uint32), ("value", c_int32))


def _request(direction: int, number: int, argument: type[Structure | c_int]) -> int:
    return direction << 30 | sizeof(argument) << 16 | ord("V") << 8 | number


QUERYCAP = _request(_READ, 0, Capability)
S_FMT = _request(_READ | _WRITE, 5, Format)
REQBUFS = _request(_READ | _WRITE, 8, RequestBuffers)
QUERYBUF, QBUF, DQBUF = (_request(_READ | _WRITE, number, Buffer) for number in (9, 15, 17))
STREAMON = _request(_WRITE, 18, c_int)
S_PARM = _request(_READ | _WRITE, 22, StreamParameters)
S_CTRL = _request(_READ | _WRITE, 28, Control)
