"""Fields of forms."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web

from pi_cam_node.console.web.forms import FIELD_MAX, form_of


def read(fields: Mapping[str, str], content_type: str = "application/x-www-form-urlencoded") -> Mapping[str, str]:
    async def post() -> Mapping[str, str]:
        return fields

    request: Any = SimpleNamespace(content_type=content_type, charset=None, post=post)
    return asyncio.run(form_of(cast("web.Request", request)))


def test_a_field_that_is_too_long_is_refused_and_not_cut() -> None:
    assert read({"value": "x" * FIELD_MAX}) == {"value": "x" * FIELD_MAX}
    with pytest.raises(web.HTTPBadRequest) as refused:
        read({"value": "x" * (FIELD_MAX + 1)})
    assert refused.value.text == "value has more than 4096 characters\n"
