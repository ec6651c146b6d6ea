"""/openapi.json and /docs/api: every call is described, and the page needs no inline script."""

import re

import pytest
from django.test import Client
from django.urls import get_resolver
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator

from tests.architecture.test_tenant_isolation import addresses

PROBLEM = "application/problem+json"
VERBS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def document() -> dict:
    return Client().get("/openapi.json").json()


def test_every_address_of_the_api_is_in_the_schema(document: dict) -> None:
    ours = {
        re.sub(r"%\((\w+)\)s", r"{\1}", each) for each in addresses() if each.startswith("/v1/")
    }

    assert ours == document["paths"].keys()


def test_every_refusal_is_a_problem_document_and_every_answer_has_a_shape(document: dict) -> None:
    for path, calls in document["paths"].items():
        for verb in VERBS & calls.keys():
            for status, answer in calls[verb]["responses"].items():
                if status >= "400":
                    assert PROBLEM in answer["content"], (path, verb, status)
                elif status != "204":
                    assert "application/json" in answer["content"], (path, verb, status)
            assert {"401", "503"} <= calls[verb]["responses"].keys(), (path, verb)


def test_the_generator_has_nothing_to_complain_of(capsys: pytest.CaptureFixture[str]) -> None:
    """Of two shapes of one name one would be published in the place of the other; what it cannot read is any text."""
    GENERATOR_STATS.reset()

    SchemaGenerator().get_schema(request=None, public=True)

    assert capsys.readouterr().err == ""


def test_every_call_has_a_name_of_its_own_and_says_how_to_authenticate(document: dict) -> None:
    calls = [
        call for each in document["paths"].values() for verb, call in each.items() if verb in VERBS
    ]
    names = [call["operationId"] for call in calls]

    assert len(names) == len(set(names))
    assert all("_" not in name for name in names)
    assert all(call["security"] == [{"key": []}, {"bearer": []}] for call in calls)


def test_ids_are_told_as_they_are_taken(document: dict) -> None:
    """No number with a fraction names anything: it is refused."""
    shape = document["components"]["schemas"]["EvidenceShapeRequest"]["properties"]["ids"]

    assert shape["additionalProperties"] == {"anyOf": [{"type": "string"}, {"type": "integer"}]}


def test_the_page_runs_under_the_strict_policy() -> None:
    page = Client().get("/docs/api")

    assert page.status_code == 200
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    text = page.content.decode()
    assert "<style" not in text
    assert "style=" not in text
    assert re.findall(r"<script(?![^>]*\bsrc=)", text) == []


def test_the_patterns_of_the_api_come_before_the_pages() -> None:
    assert get_resolver().resolve("/v1/runs/start").url_name == "api-run-start"
