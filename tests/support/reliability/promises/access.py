"""Promises about HTTP, privacy, and attacks from the network."""

from __future__ import annotations

from tests.support.reliability.promises.promise import Promise

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

PRIVACY = (
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
        "the broker is unreachable when privacy is switched on",
        "the next connect empties every retained picture; no picture that waited is sent",
    ),
    Promise(
        "P6",
        "the connection is full of pictures when privacy is switched on",
        "it is closed, and the next connection begins without a picture: none arrives later than a second after the "
        "reply",
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
