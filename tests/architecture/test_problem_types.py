"""Each `type` of a problem document is an anchor of /docs/api: whatever the code can answer is explained there."""

import ast
import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client
from rest_framework import exceptions

from evidence.receivers.contract import Cause
from luota.lib.http import _UNFORESEEN
from luota.problems import PROBLEM_TYPES

PLACES = ("luota", "workspaces", "monitors", "evidence", "incidents")
FROM_THE_FRAMEWORK = (
    exceptions.MethodNotAllowed,
    exceptions.NotAcceptable,
    exceptions.UnsupportedMediaType,
)
"""What it raises by itself; bodies, tokens and rates are read by our own code."""
OTHERWISE = "refused"


def problems() -> Iterator[tuple[int | None, str | None]]:
    """(status, code) of each Problem(…) in the code, None for what is no literal."""
    for place in PLACES:
        for path in (settings.BASE_DIR / place).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Problem":
                    yield literal(node, "status"), literal(node, "code")


def literal(call: ast.Call, name: str):
    found = [each.value for each in call.keywords if each.arg == name]
    return found[0].value if found and isinstance(found[0], ast.Constant) else None


def test_every_code_that_can_be_answered_is_explained_and_no_other() -> None:
    written = {code for _, code in problems() if code}
    told = {code for code, _ in _UNFORESEEN.values()} | {OTHERWISE}
    told |= {cause.value for cause in Cause if cause.answer >= 400}
    told |= {each.default_code for each in FROM_THE_FRAMEWORK}

    assert {each.code for each in PROBLEM_TYPES} == written | told


def test_each_is_explained_once_with_the_status_that_it_comes_with() -> None:
    statuses = {each.code: each.status for each in PROBLEM_TYPES}

    assert len(statuses) == len(PROBLEM_TYPES)
    for status, code in problems():
        if status and code:
            assert statuses[code] == status, code


@pytest.mark.parametrize("code", [each.code for each in PROBLEM_TYPES])
def test_its_type_is_an_anchor_of_the_page(code: str) -> None:
    page = Client().get("/docs/api").content.decode()

    assert re.findall(rf'id="problem-{code}"', page) == [f'id="problem-{code}"']
