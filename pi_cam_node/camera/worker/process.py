"""Node side of the camera's process: sends orders, receives reports, kills a hung process."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import time
from array import array
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from pi_cam_node.camera.worker.base import WorkerLost
from pi_cam_node.camera.worker.child_log import ChildLog
from pi_cam_node.camera.worker.frame_message import MARK, FrameInSlot, decode_frame
from pi_cam_node.camera.worker.image_parts import image_of
from pi_cam_node.camera.worker.messages import (
    MAX_MESSAGE_BYTES,
    Arrived,
    Failed,
    JsonReport,
    Order,
    Quit,
    Ready,
    Report,
    Share,
    WireReport,
    encode,
)
from pi_cam_node.camera.worker.shared_memory import SlotReader
from pi_cam_node.camera.worker.spawn import Spawned, spawn
from pi_cam_node.imaging.shared_planes import PlanesStore

_log = logging.getLogger(__name__)

# Longest wait for a killed process, as a process blocked in a driver cannot be killed.
KILL_S = 2.0
_CHUNK_BYTES = 65_536
_REPORTS_AT_ONCE = 16
# Ancillary data size for the two descriptors of `Ready`.
_ROOM_FOR_TWO = socket.CMSG_SPACE(2 * array("i").itemsize)
# As a plain number, since operations on the standard library's flags take longer than the system call.
_CLOSE_ON_EXEC = int(socket.MSG_CMSG_CLOEXEC)
_CUT_OFF = int(socket.MSG_TRUNC | socket.MSG_CTRUNC)

# Processes that could not be killed yet.
_abandoned: list[subprocess.Popen[bytes]] = []


# Types are validated, since a crashing decoder may write anything.
_REPORTS: TypeAdapter[JsonReport] = TypeAdapter(Annotated[JsonReport, Field(discriminator="kind")])


def decode_report(datagram: bytes) -> WireReport:
    """Decode a report of the camera's process.

    Raises:
        ValueError: The datagram is invalid.
    """
    if datagram.startswith(MARK):
        return decode_frame(datagram)
    try:
        return _REPORTS.validate_json(datagram)
    except ValidationError as error:
        raise ValueError(f"{error.error_count()} faults in a message of {len(datagram)} bytes") from None


class ProcessWorker:
    """Runs a source in a separate process.

    Thread: one that lives as long as the process, which the kernel kills when the thread ends.
    """

    killable = True

    def __init__(self, spawned: Spawned | None = None, planes: PlanesStore | None = None) -> None:
        """Use a started process, or start one; it opens no source yet.

        Args:
            spawned: The process; the worker owns it.
            planes: Receives the planes of pictures while requested.

        Raises:
            OSError: There is not enough memory, or too many processes.
        """
        _reap()
        spawned = spawned or spawn()
        self._process, self._link, self._output = spawned.process, spawned.link, spawned.output
        self._opened = spawned.opened
        # Socket and output of the process.
        self.descriptors = [self._link.fileno(), self._output.fileno()]
        self._log = ChildLog()
        self._slots: SlotReader | None = None
        self._planes = PlanesStore() if planes is None else planes
        self._shares_planes = False
        self._session = 0
        self._at_end = False

    @property
    def pid(self) -> int | None:
        """Process id."""
        return self._process.pid

    def send(self, order: Order) -> None:
        """Send an order; it is lost if the process has ended or is unresponsive.

        An order to open the camera that was sent at the start of the process is not sent again.
        """
        opened, self._opened = self._opened, None
        if opened is not None and opened == order:
            return
        try:
            self._link.send(encode(order))
        except OSError as error:
            _log.debug("an order to the camera process %d is lost: %s", self.pid, error)

    def take(self) -> list[Report]:
        """Return received reports, and copy the output of the process to the log.

        A picture is returned alone, as usually nothing else is queued; further reports follow with the next call.
        """
        if self._at_end:
            raise WorkerLost(self._cause_of_death())
        wire: list[Report] = []
        try:
            while len(wire) < _REPORTS_AT_ONCE and (report := self._receive()) is not None:
                if isinstance(report, Arrived) and not wire:
                    return [report]
                wire.append(report)
        except (ValueError, OSError) as error:
            raise WorkerLost(f"the camera process sent an invalid message: {error}") from error
        self._read_output()
        return [self._with_hint(report) if isinstance(report, Failed) else report for report in wire]

    def end(self, deadline_s: float) -> bool:
        """Order the process to close the camera, wait, then kill it; return whether it ended."""
        self.send(Quit())
        gone = _wait(self._process, deadline_s) or self._kill()
        # Remaining output.
        self._read_output()
        self._link.close()
        self._output.close()
        self._unmap()
        return gone

    def _kill(self) -> bool:
        self._process.send_signal(signal.SIGKILL)
        if _wait(self._process, KILL_S):
            return True
        _log.error("the camera process %d hangs in a driver and cannot be ended", self.pid)
        _abandoned.append(self._process)
        return False

    def _receive(self) -> Report | None:
        """Return the next report; ``None`` if there is none."""
        try:
            datagram, ancillary, flags, _ = self._link.recvmsg(MAX_MESSAGE_BYTES, _ROOM_FOR_TWO, _CLOSE_ON_EXEC)
        except BlockingIOError:
            return None
        except ConnectionError:
            datagram, ancillary, flags = b"", [], 0
        descriptors = _descriptors_in(ancillary) if ancillary else []  # sent with `Ready` only
        try:
            if not datagram:
                self._at_end = True
                return None
            if flags & _CUT_OFF:
                raise ValueError("a message that is too long")
            return self._unpack(decode_report(datagram), descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _unpack(self, report: WireReport, descriptors: list[int]) -> Report:
        """Attach the picture to a report."""
        if isinstance(report, Ready):
            self._map(report, descriptors)
            return report
        if not isinstance(report, FrameInSlot):
            return report
        if self._slots is None or report.session != self._session:
            raise ValueError("an image of a session that is not open")
        parts = self._slots.take(report.slot, report.sizes, report.planes)
        if report.planes is not None:
            self._planes.put(self._slots.lend(report.slot, report.planes, report.captured_mono_s))
        self._order_planes(has_planes=report.planes is not None)
        return Arrived(report.session, image_of(report, parts), report.skipped)

    def _order_planes(self, *, has_planes: bool) -> None:
        """Start or stop the sharing of planes, as requested by their readers."""
        is_wanted = self._planes.is_wanted
        if is_wanted != self._shares_planes or (has_planes and not is_wanted):
            self._shares_planes = is_wanted
            self.send(Share(is_wanted))

    def _map(self, report: Ready, descriptors: list[int]) -> None:
        if len(descriptors) != 2:
            raise ValueError("the message that the camera is open came without shared memory")
        self._unmap()
        self._slots = SlotReader(descriptors, report.opened.size)
        self._session, self._shares_planes = report.session, False

    def _unmap(self) -> None:
        # Cleared first, so that no descriptor is closed twice: its number may already be in use for another file.
        slots, self._slots = self._slots, None
        if slots is not None:
            self._planes.clear()
            slots.close()

    def _read_output(self) -> None:
        """Log available output of the process."""
        try:
            while chunk := os.read(self._output.fileno(), _CHUNK_BYTES):
                self._log.feed(chunk, time.monotonic())
        except BlockingIOError:
            return
        except OSError as error:
            _log.debug("the output of the camera process %d cannot be read: %s", self.pid, error)
        # End of the pipe: the process has ended, or is about to.
        self._at_end = True

    def _with_hint(self, report: Failed) -> Failed:
        """Add a library's related message to a failure, such as ``401 Unauthorized``."""
        hint = self._log.hint(time.monotonic())
        self._log.forget()
        return Failed(report.session, f"{report.reason} ({hint})") if hint else report

    def _cause_of_death(self) -> str:
        """Return a text on how the process ended."""
        if not _wait(self._process, KILL_S):
            return "the camera process closed its connection"
        code = self._process.returncode
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        hint = self._log.hint(time.monotonic())
        return f"the camera process {how}" + (f" ({hint})" if hint else "")


def _descriptors_in(ancillary: Sequence[tuple[int, int, bytes]]) -> list[int]:
    """Return the file descriptors received with a message, see recvmsg(2); the caller closes them."""
    descriptors = array("i")
    for _level, _kind, data in ancillary:  # sockets of this family carry no other ancillary data
        descriptors.frombytes(data[: len(data) // descriptors.itemsize * descriptors.itemsize])
    return list(descriptors)


def _wait(process: subprocess.Popen[bytes], deadline_s: float) -> bool:
    """Wait for the end of a process; return whether it ended in time."""
    try:
        process.wait(deadline_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def _reap() -> None:
    """Reap abandoned processes that have ended."""
    _abandoned[:] = [process for process in _abandoned if process.poll() is None]
