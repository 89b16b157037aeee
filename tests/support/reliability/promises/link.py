"""Promises about the connection to the broker."""

from __future__ import annotations

from tests.support.reliability.promises.promise import Promise

MQTT = (
    Promise(
        "M1",
        "the broker is unreachable for an hour",
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
        "thousands of messages while the broker is unreachable or hangs",
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
