"""Commands that report the node's state, with the schema of the telemetry, and the command that stops it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from pi_cam_node.base.errors import NoFrames
from pi_cam_node.core.commands.argument_help import argument_help, schema_of
from pi_cam_node.core.commands.registry import Arguments, Button, Context, Result, command, find
from pi_cam_node.core.commands.reply_data import HelpData, NightData, NoData
from pi_cam_node.core.inputs import CommandArrived
from pi_cam_node.core.telemetry import FIGURES, Figure
from pi_cam_node.imaging.lux import lux_of

# Exit code that requests a restart (EX_TEMPFAIL of sysexits.h). Without a supervisor the process replaces itself
# instead; see `pi_cam_node.cli.run.main`.
RESTART_CODE = 75

# Part of the telemetry although it has a topic of its own.
_TOLD_TWICE = ("ring_seconds",)
_TYPES = {"text": "string", "flag": "boolean", "counter": "integer"}


def telemetry_schema() -> dict[str, object]:
    """Return the schema of the telemetry; every figure may be null."""
    told = [figure for figure in FIGURES if figure.source == "telemetry" or figure.key in _TOLD_TWICE]
    return {
        "type": "object",
        "title": "Telemetry",
        "description": "The telemetry figures; null for what the machine does not tell.",
        "properties": {figure.key: _schema_of(figure) for figure in told},
        "required": [figure.key for figure in told],
    }


def _schema_of(figure: Figure) -> dict[str, object]:
    """Return the schema of a figure; null stands for unknown."""
    doc = f"{figure.doc.rstrip('.')}, in {figure.unit}." if figure.unit else figure.doc
    if figure.properties is not None:
        parts = {"properties": dict(figure.properties), "required": list(figure.properties)}
        return {"type": ["object", "null"], "description": doc, **parts, "additionalProperties": False}
    return {"type": [_TYPES.get(figure.kind, "number"), "null"], "description": doc}


Telemetry = Annotated[dict[str, Any], WithJsonSchema(telemetry_schema())]
"""The type of the telemetry, for the documents."""


class VerbArguments(Arguments):
    """A verb, or nothing."""

    verb: Annotated[str, Field(description="the command; all of them unless told otherwise")] = ""

    @classmethod
    def from_words(cls, words: str) -> dict[str, object]:
        """Take ``[verb]``."""
        return {"verb": words}


@command(
    "night_level", "night_level", "Returns the brightness, and why it counts as day or night.", Arguments, NightData
)
def night_level(context: Context, _arguments: Arguments, _received: CommandArrived) -> Result:
    """Return brightness, thresholds and other inputs of the day/night decision."""
    frame, night, limits = context.latest, context.night, context.config.night
    if frame is None:
        raise NoFrames("no frame has arrived yet", text="NO_DATA")
    relevant = limits.bright_threshold if night.mode == "night" else limits.dark_threshold
    lux = lux_of(frame.brightness, frame.sensor)
    message = (
        f"LEVEL={frame.brightness:.1f} relevant threshold={relevant:g} "
        f"dark_threshold: < {limits.dark_threshold:g} bright_threshold: > {limits.bright_threshold:g} "
        f"STATUS={night.mode.upper()}"
    )
    facts = {
        "level": round(frame.brightness, 1),
        "lux": None if lux is None else round(lux, 2),
        "mode": night.mode,
        "frame": frame.seq,
        "age_s": round(context.clock.monotonic() - frame.captured_mono_s, 3),
        **night.explain(context.clock.monotonic()),
    }
    return Result(message, facts)


@command("health", "health", "Returns memory, temperature, disk, rates and counters.", Arguments, Telemetry)
def health(context: Context, _arguments: Arguments, _received: CommandArrived) -> Result:
    """Return the current telemetry."""
    figures = context.figures()
    rss, swap = (f"{figures[key]:.1f}" if figures[key] is not None else "?" for key in ("rss_mib", "swap_pct"))
    return Result(f"RSS={rss}MiB SWAP={swap}%", figures)


@command("help", "help [verb]", "Lists the commands, or tells about one.", VerbArguments, HelpData)
def help_(context: Context, arguments: VerbArguments, _received: CommandArrived) -> Result:
    """List the commands; for a single one its arguments as well."""
    chosen = [find(arguments.verb)] if arguments.verb else list(context.commands.values())
    lines = [f"{c.usage}: {c.summary}" for c in chosen]
    if arguments.verb:
        told = argument_help(chosen[0].arguments)
        lines += [f"  {one.name}: {one.meaning} ({one.values or 'any value'})" for one in told]
    facts = {c.verb: {"usage": c.usage, "summary": c.summary, "arguments": schema_of(c.arguments)} for c in chosen}
    return Result("\n".join(lines), {"commands": facts})


@command(
    "restart",
    "restart",
    "Stops and restarts the node: by systemd or a console where one of them runs it, else by itself.",
    Arguments,
    NoData,
    button=Button("Restart", "mdi:restart", device_class="restart", category="config"),
)
def restart(context: Context, _arguments: Arguments, _received: CommandArrived) -> Result:
    """Request a clean stop, with the exit code for a restart."""
    context.leave(RESTART_CODE)
    return Result("OK: restarting")
