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

# Longest wait for a killed process, as one that is blocked in a driver cannot be killed.
KILL_S = 2.0
_CHUNK_BYTES = 65_536
_REPORTS_AT_ONCE = 16
# Bytes for the two descriptors of `Ready`.
_ROOM_FOR_TWO = socket.CMSG_SPACE(2 * array("i").itemsize)
# As plain numbers: arithmetic on flags of the standard library takes longer than the system's call.
_CLOSE_ON_EXEC = int(socket.MSG_CMSG_CLOEXEC)
_CUT_OFF = int(socket.MSG_TRUNC | socket.MSG_CTRUNC)

# Processes that could not be ended, until the kernel lets them go.
_abandoned: list[subprocess.Popen[bytes]] = []


# Types are validated, since a crashing decoder may write anything.
_REPORTS: TypeAdapter[JsonReport] = TypeAdapter(Annotated[JsonReport, Field(discriminator="kind")])


def decode_report(datagram: bytes) -> WireReport:
    """Return the report in a datagram of the camera's process.

    Raises:
        ValueError: The datagram holds none.
    """
    if datagram.startswith(MARK):
        return decode_frame(datagram)
    try:
        return _REPORTS.validate_json(datagram)
    except ValidationError as error:
        raise ValueError(f"{error.error_count()} faults in a message of {len(datagram)} bytes") from None


class ProcessWorker:
    """Runs a source in a process of its own.

    Thread: one, which must live as long as the process: the kernel kills the process when the thread ends.
    """

    killable = True

    def __init__(self, spawned: Spawned | None = None, planes: PlanesStore | None = None) -> None:
        """Take a process that was started, or start one; it opens nothing yet.

        Args:
            spawned: The process; the worker owns it.
            planes: Receives the planes of pictures while they are wanted.

        Raises:
            OSError: There is no memory or no process left for it.
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

        The order to open the camera is not sent again where the process has been given it beforehand.
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

        A picture is returned by itself, because as a rule nothing else is there; what is comes with the next call.
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
            raise WorkerLost(f"the camera process sends nonsense: {error}") from error
        self._read_output()
        return [self._with_hint(report) if isinstance(report, Failed) else report for report in wire]

    def end(self, deadline_s: float) -> bool:
        """Request the process to close the camera, wait, then kill it; return whether it ended."""
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
        """Return the next report, ``None`` where none is there."""
        try:
            datagram, ancillary, flags, _ = self._link.recvmsg(MAX_MESSAGE_BYTES, _ROOM_FOR_TWO, _CLOSE_ON_EXEC)
        except BlockingIOError:
            return None
        except ConnectionError:
            datagram, ancillary, flags = b"", [], 0
        descriptors = _descriptors_in(ancillary) if ancillary else []  # which came with `Ready` alone
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
        """Return a report with its picture."""
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
        """Let the process share planes as long as they are wanted."""
        is_wanted = self._planes.is_wanted
        if is_wanted != self._shares_planes or (has_planes and not is_wanted):
            self._shares_planes = is_wanted
            self.send(Share(is_wanted))

    def _map(self, report: Ready, descriptors: list[int]) -> None:
        if len(descriptors) != 2:
            raise ValueError("no memory came with the message that the camera is open")
        self._unmap()
        self._slots = SlotReader(descriptors, report.opened.size)
        self._session, self._shares_planes = report.session, False

    def _unmap(self) -> None:
        # Forgotten first: the number of a descriptor that is closed twice may belong to another file the second time.
        slots, self._slots = self._slots, None
        if slots is not None:
            self._planes.clear()
            slots.close()

    def _read_output(self) -> None:
        """Bring what the process wrote to the log, as far as it is there."""
        try:
            while chunk := os.read(self._output.fileno(), _CHUNK_BYTES):
                self._log.feed(chunk, time.monotonic())
        except BlockingIOError:
            return
        except OSError as error:
            _log.debug("the output of the camera process %d cannot be read: %s", self.pid, error)
        # The pipe is at its end: so is the process, or it will be in a moment.
        self._at_end = True

    def _with_hint(self, report: Failed) -> Failed:
        """Return a failure with a library's message about it, such as ``401 Unauthorized``."""
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
    """Return the file descriptors that came with a message, see recvmsg(2); all are to be closed."""
    descriptors = array("i")
    for _level, _kind, data in ancillary:  # a socket of this family is sent nothing else
        descriptors.frombytes(data[: len(data) // descriptors.itemsize * descriptors.itemsize])
    return list(descriptors)


def _wait(process: subprocess.Popen[bytes], deadline_s: float) -> bool:
    """Wait for the end of a process; return whether it came in time."""
    try:
        process.wait(deadline_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def _reap() -> None:
    """Reap abandoned processes that have ended."""
    _abandoned[:] = [process for process in _abandoned if process.poll() is None]
