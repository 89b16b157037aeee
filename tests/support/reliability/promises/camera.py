"""Promises about the camera and its process, and about the films of it."""

from __future__ import annotations

from tests.support.reliability.promises.promise import Promise

CAMERA = (
    Promise(
        "C1",
        "frames stop, or calls of the camera fail",
        "noticed within max(5 s, 3 intervals, exposure + 3 s); the camera is opened again, then its process is "
        "restarted: frames again within 15 s",
    ),
    Promise(
        "C2",
        "a call into the camera's driver never returns",
        "the camera's process is killed and restarted. With camera.isolate: false the node exits with 70, and the "
        "next one delivers within 40 s. No second thread is started beside one that hangs",
    ),
    Promise(
        "C3",
        "there is no camera at boot, or it is unplugged",
        "everything else works; the camera is retried after 1, 2, 5, 10, 30, 60 s, and every 60 s from then on",
    ),
    Promise(
        "C4",
        "wrong frames: frozen, blank, of a wrong size or type",
        "named on last_error within 35 s; a frozen or wrong camera is restarted; no frame of a wrong size or type is "
        "kept or shown",
    ),
    Promise(
        "C5",
        "any thread of the node ends",
        "it is restarted, three times in ten minutes (the broker's twice), after that the process exits with 70; the "
        "node thread is not restarted. HTTP answers again within 10 s",
    ),
    Promise(
        "C6",
        "any thread of the node hangs, or the whole process",
        "systemd's watchdog is only notified while every heartbeat is fresh: ended within 30 s, HTTP answers again "
        "within 40 s. A thread that waits in the kernel for a dead disk is reported and left alone, because a new "
        "process would wait too",
    ),
    Promise(
        "C7",
        "memory runs out",
        "one budget limits ring, encoders and queues; a ring that does not fit is refused, with the largest size that "
        "does",
    ),
    Promise(
        "C8",
        "the node is killed, at any moment and repeatedly",
        "HTTP answers again within 10 s every time",
    ),
    Promise(
        "C13",
        "the process that stacks, converts and shrinks pictures hangs, crashes or is killed",
        "that picture is refused with NOT_SAVED, after at most 60 s of silence; camera, live view and commands "
        "continue; the next task gets a new process, and no such process outlives the node",
    ),
    Promise(
        "C9",
        "the node crashes repeatedly with the settings of its file",
        "the third failed start in a row uses the last good settings; the fifth leaves the camera closed, says why on "
        "every interface, and accepts set, overwrite_config and restart: within 60 s",
    ),
    Promise(
        "C10",
        "the settings file is cut off, empty, has wrong values, or is gone",
        "the last good settings are used, the file is left as it is, and both are reported; without last good "
        "settings every fault is listed, with exit code 2",
    ),
    Promise(
        "C11",
        "a change of settings leaves the camera without frames",
        "what no camera can do is refused; what leaves this one without frames is undone within 30 s, and reported; "
        "the file on disk is not touched",
    ),
    Promise(
        "C12",
        "the node is stopped at any moment",
        "`offline` is published, and the process exits with 0 within 5 s",
    ),
)

FILMS = (
    Promise(
        "V1",
        "the node is killed while it records",
        "the film plays up to at most 1.5 s before the kill; the next start repairs it and says so",
    ),
    Promise(
        "V2",
        "events come at any moment, also while the previous film is closed",
        "each film begins before its pre-roll and ends after its post-roll, with every picture once",
    ),
    Promise(
        "V3",
        "the encoder's process ends or hangs",
        "it is replaced within 6 s, and the film continues without a missing picture: they wait in the ring",
    ),
    Promise(
        "V4",
        "the camera is lost while the node records",
        "the film ends with the pictures so far and says why; the next one is complete",
    ),
    Promise(
        "V5",
        "privacy is switched on while the node records",
        "the film is closed and kept, and the encoder ended, before or within 3 s after the reply; nothing is written "
        "after that",
    ),
    Promise(
        "V6",
        "the disk is full while the node records",
        "the film is closed, can be played, and is reported with the reason; recording starts again within 30 s once "
        "there is space",
    ),
    Promise(
        "V7",
        "privacy is switched on while live video is watched and a film is recorded",
        "no byte of a picture is sent after the reply, none is written, every segment is refused, and the encoder is "
        "ended within 3 s",
    ),
    Promise(
        "V8",
        "the encoder's process ends or hangs while live video is watched",
        "it is replaced, and the video continues within 15 s",
    ),
    Promise(
        "V9",
        "the camera is lost while live video is watched",
        "the video ends and the error says why; it continues within 5 s after the camera is back, under other names",
    ),
    Promise(
        "V10",
        "the power is cut while the node records",
        "the film plays up to at most 2.5 s before the cut; the next start repairs it, and ends its event as "
        "interrupted",
    ),
    Promise(
        "V11",
        "a network camera hangs, dies, drops its connections, or announces a wrong frame rate",
        "the film ends and says why, the camera is back within 15 s, and the next film is complete; the length of a "
        "film is right to 1 %",
    ),
    Promise(
        "V12",
        "the disk does not respond for two seconds while the node records",
        "commands are answered, and no picture is missing in the film",
    ),
    Promise(
        "V13",
        "the first viewer opens live video",
        "the first picture comes within 1.0 s; later pictures are at most 3.5 s old, and their times exact to 150 ms; "
        "the encoder ends within 20 s of the last viewer",
    ),
)
