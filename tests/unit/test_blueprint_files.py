"""Files of monitors as code: what they mean, what is refused and where, and that they are written as they are read."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from luota.lib.yaml_text import read_documents, write_document
from luota.portal.blueprints.exporting import export
from luota.portal.blueprints.fields import Blueprint, Owner, file_schema
from luota.portal.blueprints.files import FilesRefused, read_file
from monitors.conditions.document import SpecInvalid, parse_spec, to_document
from monitors.conditions.rules import Mode
from monitors.models import Severity
from tests.unit.conditions.strategies import freshness_specs, run_specs, slot_specs
from tests.unit.conditions.test_document import WHOLE
from tests.unit.conditions.test_document_properties import run_specs as worded_specs

NOW = datetime(2026, 3, 2, tzinfo=UTC)
NO_KIND = (
    "A kind is a lower-case word of letters, digits and _, or several joined by dots,"
    " such as `restore_check` or `email.delivered`."
)
LEAST = "name: x\npromise: y\nmode: run\n"


def read(text):
    return [each.blueprint for each in read_file(text.encode(), source="x.yaml", now=NOW)]


def refusals(text):
    with pytest.raises(FilesRefused) as refused:
        read(text)
    return str(refused.value)


def test_what_is_left_out_means_its_default():
    (found,) = read(LEAST)

    assert found == Blueprint(name="x", promise="y", mode=Mode.RUN)
    assert (found.severity, found.environment, found.owner) == (
        Severity.HIGH,
        "production",
        Owner(),
    )


def test_a_file_holds_one_monitor_in_each_document():
    assert [each.name for each in read(f"{LEAST}---\n{LEAST.replace('x', 'z')}")] == ["x", "z"]


@pytest.mark.parametrize(
    ("owner", "meant"),
    [
        ("Ann@Example.org", Owner(member="ann@example.org")),
        ("Billing team", Owner(label="Billing team")),
        (
            "{member: ann@example.org, label: Billing}",
            Owner(member="ann@example.org", label="Billing"),
        ),
        ("{label: ann@example.org}", Owner(label="ann@example.org")),
    ],
)
def test_an_owner_is_a_member_by_address_or_words(owner, meant):
    assert read(f"{LEAST}owner: {owner}\n")[0].owner == meant


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("promis: z", "x.yaml:4:1: promis: Unknown field; did you mean `promise`?"),
        ("severity: bad", "x.yaml:4:1: severity: Give one of critical, high, normal, low."),
        (
            "runbook: nowhere",
            "x.yaml:4:1: runbook: Give a whole address, such as https://example.org.",
        ),
        ("spec: {within: 3}\nname: q", "x.yaml:5:1: name: `name` stands in line 1 already."),
        ("spec:\n  withn: 3m", "x.yaml:5:3: spec.withn: Unknown field; did you mean `within`?"),
        (
            "spec:\n  steps:\n    - name: a",
            "x.yaml:6:7: spec.steps[0].kind: This field is required.",
        ),
        ("spec:\n  max_age: 3m", "x.yaml:5:3: spec.max_age: "),
        (
            "spec:\n  schedules:\n    - on_calendar: 2001-01-01 00:00",
            "x.yaml:6:7: spec.schedules[0]",
        ),
        ("tags: [" + "a," * 101 + "]", "x.yaml:4:1: tags: At most 100 entries"),
        ("owner: [1]", "x.yaml:4:1: owner: Give an object with named fields."),
    ],
)
def test_a_refusal_names_file_line_column_and_field(more, said):
    assert refusals(f"{LEAST}{more}\n").startswith(said)


def test_a_condition_is_refused_with_a_caret_under_the_word():
    text = f"{LEAST}spec:\n  steps:\n    - name: a\n      kind: paid\n      check: |\n        paid.payload.a == 1 &&\n        payd.payload.b == 2\n"

    assert refusals(text) == (
        "x.yaml:10:9: spec.steps[0].check: "
        "`payd` is no evidence kind of this spec; did you mean `paid`?\n"
        "            payd.payload.b == 2\n"
        "            ^"
    )


def test_all_documents_that_are_wrong_are_told_at_once():
    text = f"{LEAST}mod: 1\n---\n{LEAST}---\n[1]\n---\nname: z\n"

    lines = refusals(text).splitlines()
    assert [line.split(": ")[0] for line in lines if line[0] != " "] == [
        "x.yaml:4:1",
        "x.yaml:10:1",
        *["x.yaml:12:1"] * 2,  # promise and mode
    ]


def test_all_that_is_wrong_with_a_document_is_told_in_the_order_of_its_lines():
    text = """\
name: x
mode: run
severity: bad
spec:
  within: soon
  steps:
    - name: a
      kind: Paid
      check: a
    - nam: b
      kind: paid
"""

    lines = refusals(text).splitlines()
    assert [line.partition(": ")[::2] for line in lines if line[0] != " "] == [
        ("x.yaml:1:1", "promise: This field is required."),
        ("x.yaml:3:1", "severity: Give one of critical, high, normal, low."),
        ("x.yaml:5:3", 'spec.within: Write a duration such as "90s", "15m", "1h30m" or "2d".'),
        ("x.yaml:8:7", f"spec.steps[0].kind: {NO_KIND}"),
        ("x.yaml:10:7", "spec.steps[1].nam: Unknown field; did you mean `name`?"),
        ("x.yaml:10:7", "spec.steps[1].name: This field is required."),
    ]


def test_all_that_makes_no_sense_is_told_beside_what_is_wrong_with_the_monitor():
    text = """\
name: x
promise: y
mode: run
runbook: nowhere
spec:
  warn_after: 2h
  within: 1h
  steps:
    - {name: a, kind: paid, check: payd.payload.a == 1}
    - {name: b, kind: sent, after: [c]}
    - {name: b, kind: seen, check: 'seen.payload.n ='}
"""

    lines = refusals(text).splitlines()
    assert [line.split(": ")[:2] for line in lines if line[0] != " "] == [
        ["x.yaml:4:1", "runbook"],
        ["x.yaml:6:3", "spec.warn_after"],
        ["x.yaml:9:36", "spec.steps[0].check"],
        ["x.yaml:10:29", "spec.steps[1].after"],
        ["x.yaml:11:8", "spec.steps[2].name"],
        ["x.yaml:11:52", "spec.steps[2].check"],
    ]


def test_of_very_many_refusals_the_first_hundred_are_told():
    steps = "".join(f"    - {{name: s{n}, kind: NO}}\n" for n in range(30))
    said = refusals(f"{LEAST}spec:\n  steps:\n{steps}---\n" * 4)

    assert said.count("A kind is a lower-case word") == 100
    assert said.splitlines()[-1] == "… and 20 more."


def makes_sense(spec):
    try:
        return bool(parse_spec(spec.mode, to_document(spec)))
    except SpecInvalid:
        return False


whole = st.just(parse_spec(Mode.RUN, WHOLE))
specs = (whole | worded_specs | run_specs | slot_specs | freshness_specs).filter(makes_sense)
words = (
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30)
    .map(str.strip)
    .filter(bool)
)
owners = st.builds(
    Owner,
    member=st.sampled_from(["", "ann@example.org", "root@localhost"]),
    label=st.just("") | words,
)
blueprints = st.builds(
    lambda spec, **columns: Blueprint(mode=spec.mode, spec=to_document(spec), **columns),
    specs, name=words, promise=words, owner=owners, environment=words, route=st.just("") | words,
    severity=st.sampled_from(Severity), tags=st.lists(words, max_size=3).map(tuple),
    runbook=st.sampled_from(["", "https://runbooks.example.org/a?b=c#d"]),
)  # fmt: skip


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(blueprints, min_size=1, max_size=3))
def test_what_is_exported_is_read_as_the_same_and_valid_by_the_schema(given_blueprints):
    text = export(given_blueprints)

    assert read(text) == given_blueprints
    for document in read_documents(text.encode()):
        Draft202012Validator(file_schema()).validate(document.value)


def test_the_schema_refuses_what_the_reader_refuses():
    schema = Draft202012Validator(file_schema())

    for value in (
        {"name": "x", "promise": "y"},
        {"name": "x", "promise": "y", "mode": "batch"},
        {"name": "x", "promise": "y", "mode": "run", "spec": {"within": "soon"}},
        {"name": "x", "promise": "y", "mode": "run", "spec": {"steps": [{"name": "a"}]}},
        {
            "name": "x",
            "promise": "y",
            "mode": "run",
            "spec": {"steps": [{"name": "a", "kind": "A"}]},
        },
        {"name": "x", "promise": "y", "mode": "run", "sepc": {}},
    ):
        assert not schema.is_valid(value), json.dumps(value)
        refusals(write_document(value))
