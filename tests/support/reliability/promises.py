"""The promises of the node under each fault, used by `docs/reliability.md` and the tests.

A row says what this version does, even where more would be desirable. Letters: M the MQTT link, C camera
and process, S storage, T time, H HTTP, P privacy, V video, B a bar that holds over all of them, X a class of
attacks.
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
        "M1",
        "the broker is away for an hour",
        "capturing, saving and the live view continue without a restart; memory grows by less than 5 MiB",
    ),
    Promise(
        "M2",
        "the broker restarts and has lost all retained messages",
        "every retained topic has its current value within 3 s of each connect; `online` comes last",
    ),
    Promise(
        "M3",
        "the connection dies without an error: a cable, the Wi-Fi, a frozen broker",
        "noticed within 12 s while something is sent, within 30 s when idle, with `mqtt.keepalive_s: 15`",
    ),
    Promise(
        "M4",
        "a broker accepts the connection and never answers",
        "the attempt is given up after 5 s; the next one comes within 17 s",
    ),
    Promise(
        "M5",
        "packets are lost at boot; the broker's name does not resolve, or is wrong",
        "everything else starts within 10 s and says why there is no broker; connected within 10 s of the repair",
    ),
    Promise(
        "M6",
        "fifty nodes lose one broker at once",
        "each waits 0.5 to 7.5 s at random, so that no second sees more than 20 of them",
    ),
    Promise(
        "M7",
        "two nodes use one client id",
        "reported on `state/last_error`, the page and once in the log within 30 s; after that one attempt a minute",
    ),
    Promise(
        "M8",
        "a picture is larger than the broker accepts",
        "where the broker announces its limit (MQTT 5) the picture is reduced to fit, and nothing larger is sent",
    ),
    Promise(
        "M9",
        "a message of any kind makes the broker close the connection",
        "after the third time it is held back for ten minutes and counted; all other messages get through",
    ),
    Promise(
        "M10",
        "payloads that are not text, not JSON, too deep or too large; errors in the node's own callbacks",
        "each gets an error reply; an error in a callback is logged and counted, and stops nothing",
    ),
    Promise(
        "M11",
        "the thread of the broker's connection ends or hangs",
        "a new client is connected within 15 s; the third time in ten minutes the process exits with 70",
    ),
    Promise(
        "M12",
        "bits flip on the network",
        "the connection breaks and recovers; every value is right within 15 s of the fault's end",
    ),
    Promise(
        "M13",
        "the connection breaks while events are sent",
        "events (QoS 1, with an id) arrive in order and at least once, as long as no more than 1,000 wait (1 MiB). "
        "Events that wait for the broker are on disk, survive a power cut or a restart, and are marked `late`",
    ),
    Promise(
        "M14",
        "thousands of messages while the broker is away or hangs",
        "at most 100 replies and 1,000 events wait; the oldest are dropped and counted; of states only the newest is "
        "sent; at most 4 MiB are in flight",
    ),
    Promise(
        "M15",
        "a command is retained",
        "it is refused with the code `retained`, at each connect",
    ),
    Promise(
        "M16",
        "commands were sent while the node was away",
        "none of them runs later",
    ),
    Promise(
        "M17",
        "a command comes more than once",
        "a known id (the last 256) gets the first reply again, and nothing is done twice; the same id on another "
        "command is refused",
    ),
    Promise(
        "M18",
        "a command takes a minute",
        "it is answered `accepted` at once; other commands are answered within a second; once 16 jobs wait the next "
        "is `busy`",
    ),
    Promise(
        "M19",
        "power is cut and returns at once; a regular stop",
        "the client id stays the same, so the will of the old session never follows the new `online`; a regular stop "
        "publishes `offline` within a second",
    ),
    Promise(
        "M20",
        "the camera hangs while MQTT works",
        "`camera/availability` is `offline` within 10 s, `availability` stays `online`",
    ),
    Promise(
        "M21",
        "the Wi-Fi is interrupted repeatedly",
        "gaps of 2 s are not visible (MQTT 5: the will is delayed by 10 s); a longer gap shows one `offline`",
    ),
    Promise(
        "M22",
        "the broker's ACL refuses the node, also without an error",
        "reported within 10 s on the page and in the log, with MQTT 5 and 3.1.1",
    ),
    Promise(
        "M23",
        "the broker refuses the login",
        "after five refusals one attempt a minute; one line in the log for each change; the page says why",
    ),
    Promise(
        "M24",
        "the broker's certificate is of another authority or another host, expired, or self-signed",
        "refused with the reason; there is no fallback to plain text and no setting that would allow it",
    ),
    Promise(
        "M25",
        "the node is killed while something moves, and a zone is removed before it starts again",
        "with MQTT 5 the broker drops every `ON` within 120 s; the next start says `OFF` and empties the zone's topic",
    ),
)

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

STORAGE = (
    Promise(
        "S1",
        "the power is cut while settings or a picture are saved",
        "what was acknowledged is complete after the next start: file and folder are synced before the reply",
    ),
    Promise(
        "S2",
        "the power is cut while events are written, or the database is damaged",
        "every acknowledged row is there; a damaged file is set aside, reported, and rebuilt from side-car files; "
        "what cannot be written waits in memory, limited, and is retried",
    ),
    Promise(
        "S4",
        "the disk is full",
        "reported on last_error and in telemetry within 10 s; the oldest pictures are deleted; a save is refused with "
        "the reason; stream and MQTT continue; saving works again within 30 s once there is space",
    ),
    Promise("S5", "the disk has bytes, but no inodes", "the same as for a full disk"),
    Promise(
        "S6",
        "the disk is read-only",
        "settings change in memory; overwrite_config answers not_saved, with the reason; the next start uses the old "
        "file",
    ),
    Promise(
        "S7",
        "the card is broken: every access is an error",
        "reported within 10 s; stream and MQTT continue; saving works again when the disk does",
    ),
    Promise(
        "S8",
        "the process ends at any single file call, or the call fails with ENOSPC, EIO or EROFS",
        "the file has the old or the new content, the reply says what failed, and no temporary files are left after "
        "the next start",
    ),
    Promise(
        "S9",
        "pictures accumulate for ever",
        "limited by bytes, by age and by free space; the oldest are deleted first, never the one being written",
    ),
    Promise(
        "S10",
        "two pictures would get the same name",
        "names consist of UTC, boot id, frame number and a counter; nothing is overwritten",
    ),
    Promise(
        "S11",
        "a card wears out by writing",
        "an idle node writes at most 1 MiB an hour",
    ),
)

TIME = (
    Promise(
        "T1",
        "the clock is decades off at boot, and jumps while the node runs",
        "no timer, deadline or order of frames depends on it; side-car files and telemetry say whether it was set",
    ),
    Promise(
        "T2",
        "the clock goes back by weeks",
        "no picture is deleted by age while the clock is not set, nor too early",
    ),
    Promise("T3", "an hour repeats in autumn; the year 2038 comes", "names and records are in UTC and never repeat"),
    Promise(
        "T4", "the clock steps by weeks while the node records", "one film, with each picture once and in its place"
    ),
)

HTTP = (
    Promise(
        "H1",
        "400 connections that send a request slowly, or nothing",
        "other clients are answered all the time; a connection must send head and body within 10 s each, or is closed",
    ),
    Promise(
        "H2",
        "30 viewers",
        "a frame is encoded once for all; the camera keeps its rate; viewers beyond the limit get an error",
    ),
    Promise(
        "H3",
        "100 viewers that read nothing",
        "each holds the newest frame only and is disconnected after 10 s",
    ),
    Promise(
        "H4",
        "invalid requests, very large heads and bodies",
        "refused by size; no traceback, no descriptor lost",
    ),
    Promise(
        "H5",
        "requests without a credential",
        "every route declares its right; a route without one cannot be registered",
    ),
    Promise(
        "H6",
        "a foreign page in the owner's browser calls the node",
        "foreign Host, Origin and content types are refused; no GET request changes anything; no page can be framed",
    ),
    Promise(
        "H7",
        "somebody guesses tokens",
        "five attempts, then growing waits; a token is compared in constant time",
    ),
    Promise(
        "H8",
        "reachable by default",
        "loopback only, until the owner changes it; then a token is required and created",
    ),
)

BARS = (
    Promise(
        "B1",
        "the power fails at any moment",
        "no acknowledged change is lost or incomplete: 0 broken in 200 cuts",
    ),
    Promise(
        "B3",
        "any message on any topic",
        "no message stops the node, and `health` is answered within a second throughout; commands that are not "
        "answered during a flood are counted",
    ),
    Promise(
        "B4",
        "the network in any state",
        "the camera loses at most 1 % of its frames; memory grows by at most 5 MiB, or 8 MiB with full queues",
    ),
    Promise(
        "B5",
        "a dead connection",
        "noticed within 12 s (busy) or 30 s (idle), restored within 10 s of the repair",
    ),
    Promise(
        "B6",
        "availability",
        "wrong for 15 s at most while the node runs; a vanished node is `offline` within 40 s, one that came "
        "back always `online`",
    ),
    Promise(
        "B7",
        "any connect",
        "every retained topic is right within 3 s",
    ),
    Promise(
        "B8",
        "the camera stalls",
        "frames again within 15 s if its process can be restarted; the loss is always reported",
    ),
    Promise(
        "B9",
        "a harmful setting, or a crash at every start",
        "the setting is undone within 30 s; by the fifth start the node runs without its camera, and says why",
    ),
    Promise(
        "B10",
        "the disk is full, read-only or dead",
        "stream, MQTT and states continue; reported within 10 s; recovered within 30 s of its end",
    ),
    Promise(
        "B11",
        "installed and started with the defaults",
        "only loopback is listened on, there is no default password, and systemd restricts the service: exposure "
        "level at most 2.0",
    ),
)

ATTACKS = (
    Promise(
        "X1",
        "a setting or a name contains shell commands",
        "no shell is ever started and no setting is a command: 40 payloads in every text setting have no effect",
    ),
    Promise(
        "X2",
        "a name leads out of the folder of pictures",
        "200 spellings on every route, command and setting open nothing outside and create nothing there",
    ),
    Promise(
        "X3",
        "parsing could create objects",
        "only JSON and safe YAML; unknown keys are refused at every depth",
    ),
    Promise(
        "X4",
        "names contain markup",
        "shown as text, in a browser too",
    ),
    Promise("X5", "almost the right token", "empty, prefix, suffix, padded, other case, its hash: all refused"),
    Promise(
        "X6",
        "a hundred thousand broken requests",
        "memory, threads and descriptors stay constant",
    ),
)

PRIVACY: tuple[Promise, ...] = (
    Promise(
        "P1",
        "the node is killed while privacy is on",
        "it starts with privacy on: no camera process, and no picture on any interface",
    ),
    Promise(
        "P2",
        "the file that stores privacy is damaged, or cannot be read",
        "privacy is on",
    ),
    Promise(
        "P3",
        "the camera's process hangs when privacy is switched on",
        "it is killed; the reply comes within 5 s, after the end of the process",
    ),
    Promise(
        "P4",
        "the disk refuses when privacy is switched on",
        "the camera is released and nothing is shown; the reply says that privacy may be lost with a restart",
    ),
    Promise(
        "P5",
        "the broker is away when privacy is switched on",
        "the next connect empties every retained picture; no picture that waited is sent",
    ),
    Promise(
        "P6",
        "the connection is full of pictures when privacy is switched on",
        "it is closed, and the next connection begins without a picture: none arrives later than a second after the "
        "reply",
    ),
)

FILMS: tuple[Promise, ...] = (
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

SECTIONS = {
    "MQTT link": MQTT,
    "Camera and process": CAMERA,
    "Storage": STORAGE,
    "Time": TIME,
    "HTTP": HTTP,
    "Privacy": PRIVACY,
    "Films": FILMS,
    "Over all": BARS,
    "Attacks": ATTACKS,
}
PROMISES = {promise.id: promise for section in SECTIONS.values() for promise in section}
