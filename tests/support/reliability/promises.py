"""What the node promises under each fault: every promise once. `docs/reliability.md` and the tests refer to it.

A row says what this version does, also where that is less than one could wish. Letters: M the MQTT link, C camera
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
        "the broker is dead for an hour",
        "capturing, saving and the live view go on, and nothing restarts for it; memory grows by less than 5 MiB",
    ),
    Promise(
        "M2",
        "the broker comes back and has forgotten everything",
        "the whole retained table, with what is true now, within 3 s of each connect; `online` comes last",
    ),
    Promise(
        "M3",
        "the link dies in silence: a cable, the Wi-Fi, a frozen broker",
        "it is noticed within 12 s while something is under way, within 30 s when idle, with `mqtt.keepalive_s: 15`",
    ),
    Promise(
        "M4",
        "a broker accepts the connection and never answers",
        "the attempt is given up after 5 s; the next one comes within 17 s",
    ),
    Promise(
        "M5",
        "packets vanish at boot; the broker's name does not resolve, or is wrong",
        "everything else starts within 10 s and says why there is no broker; the connection is there within "
        "10 s of the repair",
    ),
    Promise(
        "M6",
        "fifty nodes lose one broker at once",
        "each waits 0.5 to 7.5 s at random, so that no second sees more than 20 of them",
    ),
    Promise(
        "M7",
        "two nodes have one client id",
        "it is told on `state/last_error`, the page and once in the log within 30 s; from then on one try a minute",
    ),
    Promise(
        "M8",
        "a picture is larger than the broker takes",
        "where the broker tells its limit (MQTT 5) the picture is made to fit, and nothing larger is ever sent",
    ),
    Promise(
        "M9",
        "a message on which the broker hangs up, whatever its kind",
        "after the third time it is held back for ten minutes, counted, and everything else goes through",
    ),
    Promise(
        "M10",
        "payloads that are no text, no JSON, too deep, too large; errors in the node's own callbacks",
        "each gets its refusal; an error in a callback is logged, counted and ends nothing",
    ),
    Promise(
        "M11",
        "the thread of the broker's connection dies or hangs",
        "a new client is on the broker within 15 s; the third time in ten minutes the process ends with 70",
    ),
    Promise(
        "M12",
        "bits flip on the way",
        "sessions break and heal; whole again within 15 s of the fault's end",
    ),
    Promise(
        "M13",
        "the link breaks while events are under way",
        "events (QoS 1, with an id) arrive in order and at least once as long as no more than 1,000 wait (1 MiB); "
        "those that wait for the broker are on disk, so a power cut or a restart loses none, and marked `late`",
    ),
    Promise(
        "M14",
        "thousands of messages while the broker is away or hangs",
        "at most 100 replies and 1,000 events wait, the oldest go and are counted; of states only the newest is "
        "told; at most 4 MiB are under way",
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
        "a known id (the last 256) is answered with the first reply, and nothing is done twice; on another command it "
        "is refused",
    ),
    Promise(
        "M18",
        "a command takes a minute",
        "it is answered `accepted` at once, everything else within a second, and once 16 jobs wait the next is `busy`",
    ),
    Promise(
        "M19",
        "power is cut and comes back at once; an orderly end",
        "the client id stays the same, so the old session's will never comes after the new `online`; an "
        "orderly end leaves `offline` within a second",
    ),
    Promise(
        "M20",
        "the camera hangs while MQTT is well",
        "`camera/availability` says `offline` within 10 s, `availability` stays `online`",
    ),
    Promise(
        "M21",
        "the Wi-Fi flaps",
        "gaps of 2 s are not seen (MQTT 5: the will waits 10 s); a longer one shows one `offline`",
    ),
    Promise(
        "M22",
        "the broker's ACL refuses us, in silence too",
        "told within 10 s on the page and in the log, with MQTT 5 and 3.1.1",
    ),
    Promise(
        "M23",
        "the broker refuses the login",
        "after five refusals one try a minute; one line in the log for each change; the page says why",
    ),
    Promise(
        "M24",
        "the broker's certificate is of another authority, another host, expired, or self-signed",
        "refused with the reason; there is no plain fallback and no setting that would allow it",
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
        "it is begun again, three times in ten minutes (the broker's twice), then the process ends with 70; the node "
        "thread is not begun again. Served again within 10 s",
    ),
    Promise(
        "C6",
        "any thread of the node hangs, or the process as a whole",
        "the watchdog is fed only while every heartbeat is fresh: ended within 30 s, served again within 40 s. "
        "A thread that waits in the kernel for a dead disk is reported and left alone: "
        "another process would wait there too",
    ),
    Promise(
        "C7",
        "memory runs out",
        "one budget bounds ring, encoders and queues; a ring that cannot fit is refused with the number that would",
    ),
    Promise("C8", "the node is killed, at any moment and again and again", "served again within 10 s every time"),
    Promise(
        "C13",
        "the process that stacks, converts and shrinks pictures hangs, crashes or is killed",
        "that picture is refused with NOT_SAVED, after 60 s of silence at most; camera, live view and commands go on; "
        "the next task has a new process, and none outlives the node",
    ),
    Promise(
        "C9",
        "the node crashes with the settings of its file again and again",
        "the third start in a row that comes to nothing uses the last good settings; the fifth leaves the "
        "camera alone, says why on every interface, and takes set, overwrite_config and restart: within 60 s",
    ),
    Promise(
        "C10",
        "the settings file is torn, empty, of wrong values, or gone",
        "the last good settings run, the file is left as it is, and both is said; without last good settings "
        "every fault is told, with exit code 2",
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
        "S2",
        "the power is cut while events are written, or the database is damaged",
        "every row that was acknowledged is there; a damaged file is put aside, said, and filled again from side-cars; "
        "what cannot be written waits in memory, bounded, and is tried again",
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
    Promise(
        "T4", "the clock steps by weeks while the node records", "one film, with each picture once and in its place"
    ),
)

HTTP = (
    Promise(
        "H1",
        "400 connections that dribble a request, or say nothing",
        "honest clients are answered all along; heads and bodies are awaited for 10 s, and who exceeds a limit "
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
    Promise(
        "B3",
        "whatever comes on any topic",
        "no message stops the node, and `health` is answered within a second throughout; of a flood, what is not "
        "answered is counted",
    ),
    Promise(
        "B4",
        "the network in any state",
        "capture loses at most 1 % of its frames; memory grows by at most 5 MiB, 8 MiB with everything that may wait",
    ),
    Promise(
        "B5",
        "a dead link",
        "noticed within 12 s (busy) or 30 s (idle), healed within 10 s of the repair",
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
    Promise("B8", "the camera stalls", "delivering again within 15 s if its process can be brought back; never silent"),
    Promise(
        "B9",
        "a setting that does harm, or a start that ends in a crash each time",
        "the setting goes back within 30 s; by the fifth start the node is there without its camera, and says why",
    ),
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
)

ATTACKS = (
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
    Promise(
        "P6",
        "the link is full of pictures when privacy is switched on",
        "the connection is broken off, and the next one begins without a picture: none comes later than a second after "
        "the answer",
    ),
)

FILMS: tuple[Promise, ...] = (
    Promise(
        "V1",
        "the node is killed while it records",
        "the film plays up to at most 1.5 s before the kill; the next start mends it and says so",
    ),
    Promise(
        "V2",
        "events come at any moment, also while the film of the last one is closed",
        "each film begins before its pre-roll and ends after its post-roll, with every picture once",
    ),
    Promise(
        "V3",
        "the encoder's process dies or hangs",
        "it is replaced within 6 s, and the film goes on without a missing picture: they wait in the ring",
    ),
    Promise(
        "V4",
        "the camera is lost while the node records",
        "the film ends with what there is and says why; the next one is whole",
    ),
    Promise(
        "V5",
        "privacy is switched on while the node records",
        "the film is closed and kept, and the encoder gone, before or within 3 s after the answer; nothing is written "
        "any more",
    ),
    Promise(
        "V6",
        "the disk is full while the node records",
        "the film is closed, plays, and is told with the reason; recording begins again within 30 s once there is room",
    ),
    Promise(
        "V7",
        "privacy is switched on while live video is watched and a film is recorded",
        "no byte of a picture leaves after the answer, none is written, every part is refused, and the encoder is gone "
        "within 3 s",
    ),
    Promise(
        "V8",
        "the encoder's process dies or hangs while live video is watched",
        "it is replaced, and the video goes on within 15 s",
    ),
    Promise(
        "V9",
        "the camera is lost while live video is watched",
        "the video ends and the refusal says why; it goes on within 5 s after the camera is back, under other names",
    ),
    Promise(
        "V10",
        "the power is cut while the node records",
        "the film plays up to at most 2.5 s before the cut; the next start mends it, and ends its event as interrupted",
    ),
    Promise(
        "V11",
        "a network camera hangs, dies, drops its connections, or says another rate than it has",
        "the film ends and says why, the camera is back within 15 s, and the next film is whole; a film is as long as "
        "what it shows to 1 %",
    ),
    Promise(
        "V12",
        "the disk stands still for two seconds while the node records",
        "commands are answered, and no picture is missing in the film",
    ),
    Promise(
        "V13",
        "somebody opens live video that nobody watched",
        "the first picture comes within 1.0 s, at most 3.5 s old later on, its time to 150 ms; the encoder ends within "
        "20 s of the last viewer",
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
