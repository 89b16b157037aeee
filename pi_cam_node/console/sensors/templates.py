"""Value templates of three fixed forms. No template engine is used, since messages of the broker are not trusted.

``{{ value }}`` or nothing, ``{{ value_json.contact }}``, ``{{ value_json["contact"] }}``, each with an optional
``| lower``.
"""

from __future__ import annotations

import json
import re

from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.strict_json import json_object

TEMPLATE_MAX = 200
_SHAPE = re.compile(
    r"""\s*\{\{\s*(?:value_json(?:\.(?P<name>[A-Za-z0-9_]{1,64})|\[\s*(?P<quote>['"])(?P<key>[^'"\\]{1,64})(?P=quote)\s*\])
    |(?P<whole>value))\s*(?P<lower>\|\s*lower\s*)?\}\}\s*""",
    re.VERBOSE,
)


@frozen
class Template:
    """Key and letter case with which a value is read from a payload.

    Attributes:
        key: Key in the payload's JSON object; ``None``: the payload itself.
        lower: Whether the value is converted to lower case.
    """

    key: str | None = None
    lower: bool = False

    def value(self, payload: bytes) -> str | None:
        """Return the value in a payload as text; ``None`` if there is none.

        JSON values become their JSON text: zigbee2mqtt sends ``false`` for open.
        """
        text: object = payload.decode("utf-8", "replace")
        if self.key is not None:
            body = json_object(payload)
            if self.key not in body:
                return None
            text = body[self.key]
        said = normal(text)
        return said.lower() if self.lower else said


def parse(text: object) -> Template | None:
    """Parse a template; ``None`` if it has none of the three forms."""
    if text is None or text == "":
        return Template()
    if not isinstance(text, str) or len(text) > TEMPLATE_MAX:
        return None
    match = _SHAPE.fullmatch(text)
    return None if match is None else Template(match["name"] or match["key"], match["lower"] is not None)


def normal(value: object) -> str:
    """Return a value as text: strings unchanged, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
