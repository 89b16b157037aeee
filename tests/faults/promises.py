"""What the node promises under each fault: every promise once. `docs/reliability.md` and the tests refer to it.

A row says what this version does, also where that is less than one could wish. Letters: M the MQTT link, C camera
and process, S storage, T time, H HTTP, P privacy, B a bar that holds over all of them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promise:
    """One row of the table.

    Attributes:
        id: Letter and number, e.g. ``M3``; what ``@pytest.mark.promise`` names.
        fault: What goes wrong, for people.
        promise: What the node does then, with its bounds.
    """

    id: str
    fault: str
    promise: str


MQTT = (
    Promise(
        "M4",
        "a broker accepts the connection and never answers",
        "the attempt is given up after 5 s; the next one comes within 17 s",
    ),
    Promise(
        "M11",
        "the thread of the broker's connection dies or hangs",
        "a new client is on the broker within 15 s; the third time in ten minutes the process ends with 70",
    ),
)

CAMERA = (
    Promise(
        "C1",
        "frames stop, or the camera's calls fail",
        "noticed within max(5 s, 3 intervals, exposure + 3 s); opened again, then its process started anew: frames "
        "again within 15 s",
    ),
    Promise(
        "C2",
        "a call into the camera's driver never returns",
        "its process is killed and started anew; with camera.isolate: false the node ends itself with 70, and the next "
        "one delivers within 40 s. No thread is added beside one that hangs",
    ),
    Promise(
        "C3",
        "there is no camera at boot, or it is unplugged",
        "everything else serves; the camera is retried after 1, 2, 5, 10, 30, 60 s, and every 60 s for ever",
    ),
    Promise(
        "C4",
        "frames lie: frozen, blank, of a wrong size or type",
        "named on last_error within 35 s; a frozen or wrong camera is started anew; nothing wrong is kept or shown",
    ),
    Promise(
        "C5",
        "any thread of the node dies",
        "it is begun again, three times in ten minutes, then the process ends with 70: served again within 10 s",
    ),
    Promise(
        "C6",
        "any thread of the node hangs, or the process as a whole",
        "the watchdog is fed only while every pulse is fresh: ended within 30 s, served again within 40 s. A thread "
        "that waits in the kernel for a dead disk is reported and left alone: another process would wait there too",
    ),
    Promise(
        "C7",
        "memory runs out",
        "one budget bounds ring, encoders and queues; a ring that cannot fit is refused with the number that would",
    ),
    Promise("C8", "the node is killed, at any moment and again and again", "served again within 10 s every time"),
    Promise(
        "C9",
        "the node crashes with the settings of its file again and again",
        "the third start in a row that comes to nothing uses the last good settings; the fifth leaves the "
        "camera alone, "
        "says why on every door, and takes set, overwrite_config and restart: within 60 s",
    ),
    Promise(
        "C10",
        "the settings file is torn, empty, of wrong values, or gone",
        "the last good settings run, the file is left as it is, and both is said; without last good settings "
        "every fault "
        "is told, with exit code 2",
    ),
    Promise(
        "C11",
        "a change of the settings starves the camera",
        "what no camera can do is refused; what leaves this one without frames goes back within 30 s, and is said; the "
        "file on disk is never touched",
    ),
    Promise("C12", "the node is stopped at any moment", "offline is said, and the process has ended with 0 within 5 s"),
)

STORAGE = (
    Promise(
        "S1",
        "the power is cut while settings or a picture are saved",
        "what was acknowledged is there and whole after the next start: file and folder are synced before the answer",
    ),
    Promise(
        "S4",
        "the disk is full",
        "said on last_error and in telemetry within 10 s; the oldest pictures make room; a save is refused in words; "
        "stream and MQTT go on; saving goes on within 30 s of space coming back",
    ),
    Promise("S5", "the disk has bytes, but no inodes", "the same as for a full disk"),
    Promise(
        "S6",
        "the disk is read-only",
        "settings change in memory; overwrite_config answers not_saved and why; the next start has the old file",
    ),
    Promise(
        "S7",
        "the card died: every access is an error",
        "said within 10 s; stream and MQTT go on; it heals when the disk does",
    ),
    Promise(
        "S8",
        "any single file call is the last one, or fails with ENOSPC, EIO or EROFS",
        "the old state or the new one, a refusal in words, and no litter after the next start",
    ),
    Promise(
        "S9",
        "pictures accumulate for ever",
        "bounded by bytes, by age and by free space; the oldest go first, the one being written never",
    ),
    Promise("S10", "two pictures want one name", "UTC, boot id, frame number and a counter; nothing is overwritten"),
    Promise("S11", "a card wears out", "an idle node writes at most 1 MiB an hour"),
)

TIME = (
    Promise(
        "T1",
        "the clock is decades off at boot, and jumps while the node runs",
        "no timer, deadline or order of frames depends on it; side-cars and telemetry say whether it was set",
    ),
    Promise("T2", "the clock goes back by weeks", "no picture goes by age on a clock that is not set, nor too early"),
    Promise("T3", "an hour repeats in autumn; the year 2038 comes", "names and records are in UTC and never repeat"),
)

HTTP = (
    Promise(
        "H1",
        "400 connections that dribble a request, or say nothing",
        "honest clients are answered all along; heads are awaited for 10 s, bodies for 30 s, and who exceeds a limit "
        "is put out",
    ),
    Promise(
        "H2", "30 viewers", "a frame is encoded once for all; capture keeps its rate; viewers beyond the limit are told"
    ),
    Promise("H3", "100 viewers that take nothing", "each holds the newest frame only and is put out after 10 s"),
    Promise("H4", "garbage, giant heads and bodies", "refused by size; no traceback, no descriptor lost"),
    Promise("H5", "nobody is asked for a password", "every route has a declared right; without one it is closed"),
    Promise(
        "H6",
        "a page in the owner's browser calls the node",
        "foreign Host, Origin and content types are refused; nothing changes by GET; nothing can be framed",
    ),
    Promise("H7", "somebody guesses", "five tries, then growing waits; a token is compared in constant time"),
    Promise("H8", "exposed by default", "loopback only, until the owner says otherwise; then a token is made"),
)

BARS = (
    Promise("B1", "the power goes at any moment", "no acknowledged change is lost or torn: 0 broken in 200 cuts"),
    Promise("B8", "the camera stalls", "delivering again within 15 s if its process can be brought back; never silent"),
    Promise(
        "B10",
        "the disk is full, read-only or dead",
        "stream, MQTT and states stay up; said within 10 s; over within 30 s of its end",
    ),
    Promise(
        "B11",
        "installed and started as it comes",
        "nothing but loopback listens, there is no default password, and systemd locks the service in: "
        "exposure at most 2.0",
    ),
    Promise(
        "X1",
        "a setting or a name carries shell commands",
        "no shell is ever started, no setting is a command: 40 payloads in every text setting leave no trace",
    ),
    Promise(
        "X2",
        "a name leads out of the folder of pictures",
        "200 spellings on every route, command and setting open nothing outside and make nothing there",
    ),
    Promise("X3", "parsing builds objects", "JSON and safe YAML only; unknown keys are refused at every depth"),
    Promise("X4", "names carry markup", "shown as text, in a browser too"),
    Promise("X5", "almost the right token", "empty, prefix, suffix, padded, other case, its hash: all refused"),
    Promise("X6", "a hundred thousand broken requests", "memory, threads and descriptors stay where they were"),
)

PRIVACY: tuple[Promise, ...] = (
    Promise(
        "P1",
        "the node is killed while privacy is on",
        "it comes back with privacy on: no camera process, and no picture by any door",
    ),
    Promise(
        "P2",
        "the file that remembers privacy is damaged or cannot be looked for",
        "privacy is on",
    ),
    Promise(
        "P3",
        "the camera's process hangs when privacy is switched on",
        "it is killed; the answer comes within 5 s, and after the end of the process",
    ),
    Promise(
        "P4",
        "the disk refuses when privacy is switched on",
        "the camera is released and nothing is shown; the reply says that a restart will not remember it",
    ),
    Promise(
        "P5",
        "the broker is away when privacy is switched on",
        "the next birth takes every retained picture away; no picture that waited is sent",
    ),
)

SECTIONS = {
    "MQTT link": MQTT,
    "Camera and process": CAMERA,
    "Storage": STORAGE,
    "Time": TIME,
    "HTTP": HTTP,
    "Privacy": PRIVACY,
    "Over all": BARS,
}
PROMISES = {promise.id: promise for section in SECTIONS.values() for promise in section}
