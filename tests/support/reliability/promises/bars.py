"""Bars that hold over all faults."""

from __future__ import annotations

from tests.support.reliability.promises.promise import Promise

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
