"""Runs commands: every request gets exactly one final reply.

Commands that must wait are generators; the dispatcher resumes them with the frame or result they wait for, and throws a
timeout into those past their deadline. Nothing blocks; everything is called by one thread.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Mapping
from functools import partial

from pi_cam_node.base import errors
from pi_cam_node.base.clock import iso, utc_of
from pi_cam_node.base.schedule import NEVER_S
from pi_cam_node.base.strict_json import json_bytes
from pi_cam_node.core.commands.jobs import JobQueue
from pi_cam_node.core.commands.parsing import Envelope, expiry, open_envelope, validate
from pi_cam_node.core.commands.registry import VERB_SHOWN, Context, FreshFrame, Result, Work
from pi_cam_node.core.commands.reply_deadlines import WORK_TIMEOUT_S
from pi_cam_node.core.commands.requests import RememberedReplies, Request, key_of
from pi_cam_node.core.events import CommandRefused, FaultReported, PictureSaved, Replied
from pi_cam_node.core.inputs import CommandArrived, WorkAdvanced, WorkEnded
from pi_cam_node.imaging.frame import Demand, Frame

_log = logging.getLogger(__name__)

REQUESTS_WAITING = 64
# Refusals caused by the node rather than by the request.
FAULTS = ("internal", "no_space", "not_saved", "timeout", "retained")
# Least seconds between two events about refusals; every refused request gets its reply.
REFUSALS_EVERY_S = 1.0
REPEATS_WAITING = 16


class Dispatcher:
    """Runs requests, and stores replies for repeated requests.

    Attributes:
        due_s: When the next `accepted` or timeout is due.
    """

    def __init__(self, context: Context, jobs: JobQueue, node_id: str, boot_id: str) -> None:
        self._context = context
        self._jobs = jobs
        self._node_id = node_id
        self._boot_id = boot_id
        self._waiting: list[Request] = []
        self._replies = RememberedReplies()
        self._refusal_told_s = float("-inf")
        self.due_s = NEVER_S

    @property
    def waiting(self) -> int:
        """Number of pending requests."""
        return len(self._waiting)

    def receive(self, received: CommandArrived) -> None:
        """Run, refuse or begin a request."""
        request = Request(received, utc_of(received.mono_s, self._context.clock), received.verb)
        try:
            self._begin(request)
        except Exception as error:
            self._refuse(request, error)

    def offer(self, frame: Frame) -> None:
        """Pass a frame to the requests that wait for one exposed at this time."""
        for request in list(self._waiting) if self._waiting else ():
            wanted = request.frame
            if wanted is None or frame.exposed_mono_s < wanted.after_mono_s:
                continue
            if frame.meets(wanted.demand):
                self._resume(request, frame)
            else:  # it was taken before the demand, or the frame for it was lost
                self._context.demand(wanted.after_mono_s, wanted.demand)

    def on_work(self, update: WorkAdvanced | WorkEnded) -> None:
        """Report the progress of a job to its client, or resume the request whose job has ended."""
        request = next((w for w in self._waiting if w.work == update.work), None)
        if isinstance(update, WorkEnded):
            if request is None:
                self._end_unawaited(update)
            else:
                self._resume(request, update.error if update.error is not None else update.result)
        elif request is not None:
            self._accept(request)
            share = {"done": update.done, "total": update.total}
            self._send(
                request.command, self._body(request, "progress", "ok", f"{update.done} of {update.total}", share)
            )

    def _end_unawaited(self, ended: WorkEnded) -> None:
        """Report the result of a job without a waiting request: a saved picture is still announced."""
        if isinstance(ended.error, errors.NodeError):
            _log.warning("job %d, for which no request waits, failed: %s", ended.work, ended.error)
            self._context.emit(FaultReported(ended.error.code, str(ended.error)))
        for saved in ended.result if isinstance(ended.result, list) else [ended.result]:
            if isinstance(saved, PictureSaved):
                self._context.emit(saved)

    def on_time(self, now_s: float) -> None:
        """Send ``accepted`` for slow requests, and fail those past their deadline."""
        for request in list(self._waiting):
            if now_s >= request.deadline_s:
                if request.work is not None:
                    self._jobs.cancel(request.work)
                self._resume(request, errors.DeadlinePassed(f"ERROR: {request.verb} took too long"))
            elif now_s >= request.due_s:
                self._accept(request)
        self._update_due()

    def fail_frames(self, error: errors.NodeError) -> None:
        """Refuse every request that waits for a frame."""
        for request in list(self._waiting):
            if request.frame is not None:
                self._resume(request, error)

    def forget_pictures(self) -> None:
        """Remove pictures from the stored replies."""
        self._replies.forget_pictures()

    def close(self) -> None:
        """Refuse every pending request, because the node stops."""
        for request in list(self._waiting):
            self._resume(request, errors.Busy("ERROR: the node is stopping"))

    def _begin(self, request: Request) -> None:
        envelope = self._open(request)
        if envelope.id is not None and self._repeat(request, envelope):
            return
        if request.command.during_shutdown:
            raise errors.Busy("ERROR: the node is stopping")
        expires_epoch_s = expiry(envelope)
        if expires_epoch_s is not None and expires_epoch_s < self._context.clock.utcnow().timestamp():
            raise errors.Expired("ERROR: the command came too late")
        command, arguments = validate(envelope)
        if command.shows:
            self._context.privacy_gate.check()
        if command.needs_camera and not self._context.camera_online:
            raise errors.CameraDown("ERROR: no frames arrive from the camera")
        outcome = command.run(self._context, arguments, request.command)
        if isinstance(outcome, Result):
            self._reply(request, outcome)
        elif len(self._waiting) >= REQUESTS_WAITING:
            raise errors.Busy("ERROR: too many commands are waiting")
        else:
            request.steps = outcome
            self._waiting.append(request)
            self._resume(request, None)

    def _open(self, request: Request) -> Envelope:
        """Parse a request, so that a refusal has its id; retained commands are always refused."""
        refusal = errors.RetainedCommand("ERROR: retained commands are refused; publish without the retain flag")
        try:
            envelope = open_envelope(request.command)
        except errors.BadRequest as error:
            request.id = uuid.uuid4().hex
            raise refusal if request.command.retained else error from None
        request.verb, request.id = envelope.verb, envelope.id or uuid.uuid4().hex
        if request.command.retained:
            raise refusal
        return envelope

    def _accept(self, request: Request) -> None:
        """Send the reply ``accepted``, once."""
        if not request.accepted:
            request.accepted = True
            self._send(request.command, self._body(request, "accepted", "ok", "accepted", {}))

    def _repeat(self, request: Request, envelope: Envelope) -> bool:
        """Answer a repeated request with the stored reply; return whether it was repeated.

        Raises:
            BadRequest: The id was recently used for another request.
            Busy: The request was repeated too often.
        """
        key = key_of(envelope, request.command)
        first = next((w for w in self._waiting if w.key and w.id == request.id), None)
        known = self._replies.find(request.id, self._context.clock.monotonic())
        earlier = None
        if first is not None:
            earlier = first.key
        elif known is not None:
            earlier = known[0]
        if earlier not in (None, key):
            raise errors.BadRequest("ERROR: this id was used for another command a short while ago; give another id")
        if first is not None:
            if len(first.repeats) >= REPEATS_WAITING:
                raise errors.Busy("ERROR: this id has been repeated too often")
            first.repeats.append(request.command)
        elif known is not None:
            self._send(request.command, json.loads(known[1]), known[1])
        request.key = key
        return first is not None or known is not None

    def _update_due(self) -> None:
        self.due_s = min((request.due_s for request in self._waiting), default=NEVER_S)

    def _resume(self, request: Request, value: object) -> None:
        """Resume a command until it waits again or ends; an exception is thrown into it."""
        steps = request.steps
        if steps is None:
            raise RuntimeError(f"{request.verb} does not wait")
        go_on = partial(steps.throw, value) if isinstance(value, Exception) else partial(steps.send, value)
        request.frame = request.work = None
        try:
            self._wait(request, go_on())
        except StopIteration as end:
            self._waiting.remove(request)
            self._reply(request, end.value)
        except Exception as error:
            self._waiting.remove(request)
            self._refuse(request, error)
            # Breaks the reference cycle with this frame, which would keep the command and its picture until a garbage
            # collection.
            error.with_traceback(None)
        self._update_due()

    def _wait(self, request: Request, what: FreshFrame | Work) -> None:
        now_s = self._context.clock.monotonic()
        if isinstance(what, FreshFrame):
            request.frame = what
            request.deadline_s = now_s + what.timeout_s
            if what.demand != Demand():
                self._context.demand(what.after_mono_s, what.demand)
            return
        request.deadline_s = now_s + WORK_TIMEOUT_S
        try:
            request.work = self._jobs.submit(what)
        except errors.NodeError as error:
            self._resume(request, error)  # the command may convert the error
        else:
            what.once_accepted()

    def _reply(self, request: Request, answer: Result) -> None:
        self._final(request, self._body(request, "final", "ok", answer.message, answer.data))

    def _refuse(self, request: Request, error: Exception) -> None:
        """Turn an error into the final reply; a bug is logged with traceback and answered as ``internal``."""
        shown = request.verb[:VERB_SHOWN] or "command"
        code: errors.Code = "internal"
        if isinstance(error, errors.NodeError):
            code, message, facts = error.code, error.text, {**error.data, "why": str(error)}
            _log.info("%s refused: %s", shown, error)
        else:
            message, facts = f"ERROR: internal error ({type(error).__name__}); the log has more", {}
            _log.error("%s failed", shown, exc_info=error)
        self._final(request, self._body(request, "final", code, message, facts))
        if code in FAULTS or request.command.origin == "self":
            self._context.emit(FaultReported(code, f"{shown}: {error if code != 'internal' else message}"[:200]))
        now_s = self._context.clock.monotonic()
        if request.command.origin != "self" and now_s >= self._refusal_told_s + REFUSALS_EVERY_S:
            self._refusal_told_s = now_s
            at, origin = self._context.clock.utcnow(), request.command.origin
            self._context.emit(CommandRefused(shown, code, message[:200], origin, at))

    def _body(
        self, request: Request, stage: str, code: errors.Code, message: str, facts: Mapping[str, object]
    ) -> dict[str, object]:
        """Return the body of a reply."""
        took_s = self._context.clock.monotonic() - request.command.mono_s
        return {
            "id": request.id,
            "verb": request.verb[:VERB_SHOWN],
            "ok": code == "ok",
            "code": code,
            "message": message,
            "data": dict(facts),
            "stage": stage,
            "received": iso(request.received),
            "took_ms": round(took_s * 1000, 1),
            "node": self._node_id,
            "boot": self._boot_id,
        }

    def _final(self, request: Request, body: Mapping[str, object]) -> None:
        text = json_bytes(body)
        if request.key:
            self._replies.add(request, text, self._context.clock.monotonic())
        for command in (request.command, *request.repeats):
            self._send(command, body, text)

    def _send(self, command: CommandArrived, body: Mapping[str, object], text: bytes = b"") -> None:
        if command.origin != "self":
            self._context.emit(Replied(body, command.reply_to, command.correlation, command.origin, text))
