"""Promises about the disk and the clock."""

from __future__ import annotations

from tests.support.reliability.promises.promise import Promise

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
