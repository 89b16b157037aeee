"""Settings: rules, edited by forms, stored in ``console.yaml``, shown as sentences."""

from __future__ import annotations

from aiohttp import web
from pydantic import ValidationError

from pi_cam_node.base.errors import BadRequest, NotSaved
from pi_cam_node.console.context import ConsoleContext
from pi_cam_node.console.rules.models import RULES_MAX, Rule
from pi_cam_node.console.web.forms import form_of, several_of, span_of
from pi_cam_node.console.web.rendering import page, refused
from pi_cam_node.console.web.routes import account_of, context_of, owner_route
from pi_cam_node.console.web.versions import FIELD, refusal_of_old, version_of

_ACTIONS = ("past", "save", "clip")


@owner_route("GET", "/settings/rules")
async def rules(request: web.Request) -> web.StreamResponse:
    """Page: rules, with a form for a new one."""
    context = context_of(request)
    return page(
        request,
        "settings_rules.html",
        rules=[
            (number, rule, sentence(rule, context), version_of(context.now_ms(), rule.model_dump_json()))
            for number, rule in enumerate(context.engine.rules)
        ],
        sensors=[s for s in context.sensors.all() if s.spec.template is not None],
        nodes=list(context.nodes),
        accounts=[account for account in context.accounts.all() if account.role != "kiosk"],
        file=context.path,
        chosen=request.query.get("sensor", ""),
    )


@owner_route("POST", "/settings/rules")
async def add(request: web.Request) -> web.StreamResponse:
    """Add a rule."""
    context = context_of(request)
    try:
        rule = Rule.model_validate(await _told(request))
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        return refused(request, str(fault["msg"]))
    except BadRequest as error:
        return refused(request, str(error))
    async with context.changing:
        if len(context.engine.rules) >= RULES_MAX:
            return refused(request, f"There are {RULES_MAX} rules already.")
        return await _save(request, [*context.engine.rules, rule], f"added the rule {rule.title}")


@owner_route("POST", "/settings/rules/{number:[0-9]{1,4}}/remove")
async def remove(request: web.Request) -> web.StreamResponse:
    """Remove a rule by number; its version must match, in case the rules changed meanwhile."""
    context, form = context_of(request), await form_of(request)
    async with context.changing:
        number, kept = int(request.match_info["number"]), list(context.engine.rules)
        found = kept[number].model_dump_json() if number < len(kept) else ""
        if old := await refusal_of_old(request, {FIELD: "0-none", **form}, "rule", "", found):
            return old
        title = kept.pop(number).title
        return await _save(request, kept, f"removed the rule {title}")


async def _save(request: web.Request, wanted: list[Rule], description: str) -> web.StreamResponse:
    context = context_of(request)
    try:
        await context.save_rules(wanted)
    except NotSaved as error:
        return refused(request, str(error), 409)
    context.note(account_of(request).name, "rule", description)
    return web.Response(headers={"HX-Redirect": "/settings/rules"})


async def _told(request: web.Request) -> dict[str, object]:
    """Return the rule of a form as stored in the file.

    Raises:
        BadRequest: It does nothing, or a span of time has one end.
    """
    form = await form_of(request)
    kind, _, name = form.get("when", "").partition(":")
    when: dict[str, object] = {}
    if kind == "sensor":
        when = {"sensor": name, "becomes": form.get("becomes", "open")}
    elif kind == "camera":
        when = {"camera": name, "event": "motion_started"}
        if form.get("zone", "").strip():
            when["zone"] = form["zone"].strip()
    actions, span = await _actions(request), span_of(form)
    if not actions:
        raise BadRequest("Choose a camera to take a picture of, or somebody to push to.")
    told: dict[str, object] = {"name": form.get("name", "").strip(), "when": when, "do": actions}
    condition: dict[str, object] = {}
    if form.get("mode") in {"home", "away"}:
        condition["mode"] = form["mode"]
    if span:
        condition["between"] = span
    if condition:
        told["if"] = condition
    if form.get("again_after", "").strip():
        told["again_after"] = form["again_after"].strip()
    return told


async def _actions(request: web.Request) -> list[dict[str, object]]:
    form = await form_of(request)
    kind, actions = form.get("action", ""), list[dict[str, object]]()
    for camera in await several_of(request, "cameras") if kind in _ACTIONS else ():
        action: dict[str, object] = {kind: camera}
        if kind == "past":
            action["at"] = form.get("at", "").strip() or "2"
        actions.append(action)
    told = await several_of(request, "push")
    if told:
        push: dict[str, object] = {"push": told}
        if form.get("text", "").strip():
            push["text"] = form["text"].strip()
        actions.append(push)
    return actions


def sentence(rule: Rule, context: ConsoleContext) -> str:
    """Return a rule as an English sentence."""
    when, condition = rule.when, rule.condition
    if when.sensor is not None:
        sensor = context.sensors.get(when.sensor)
        said = f"When {sensor.title if sensor else when.sensor} becomes {when.becomes}"
    else:
        said = f"When {_name(when.camera, context)} sees motion" + (f" in {when.zone}" if when.zone else "")
    if condition.mode is not None:
        said += f", while the house is {'at home' if condition.mode == 'home' else 'away'}"
    if condition.between is not None:
        said += f", between {condition.between[0]} and {condition.between[1]}"
    return f"{said}: {'; '.join(_action_words(rule, context))}. At most once in {rule.again_after:g} s."


def _action_words(rule: Rule, context: ConsoleContext) -> list[str]:
    words = []
    for action in rule.do:
        if action.past:
            ago = f"{action.at:g} s before" if action.at is not None else "of the past"
            words.append(f"picture {ago} from {_name(action.past, context)}")
        elif action.save:
            words.append(f"picture from {_name(action.save, context)}")
        elif action.clip:
            words.append(f"clip from {_name(action.clip, context)}")
        else:
            words.append(f"push to {', '.join(action.push or [])}")
    return words


def _name(camera: str | None, context: ConsoleContext) -> str:
    node = context.nodes.get(camera or "")
    return node.name if node is not None else str(camera)
