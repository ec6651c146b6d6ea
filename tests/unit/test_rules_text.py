"""Rules as YAML: what is written is read back; what cannot be meant is refused at its line."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.conditions.document import SpecInvalid, parse_spec
from monitors.conditions.rules import Mode
from monitors.rules_text import (
    MOST_BYTES,
    SAYS_NOTHING,
    Fault,
    TextInvalid,
    read_rules,
    use_rules,
    write_rules,
)

RULES = """\
within: 2h
comforts:
  - name: handler
    kind: handler_returned
steps:
  - name: access
    kind: entitlement
    check: |-
      entitlement.payload.plan
        == expected.plan
    by:
      at: 12:30
      timezone: Europe/Berlin
  - name: told
    claim: "The customer: knows it"
    kind: email.delivered
    members: all
    not_by: [worker, cron]
    absent: no
"""


def refused(text: str) -> Any:
    with pytest.raises(TextInvalid) as caught:
        read_rules(text)
    return caught.value.fault


def fault_in(text: str, mode: Mode = Mode.RUN) -> Any:
    """What the rules themselves refuse, at its place in the text."""
    read = read_rules(text)
    with pytest.raises(SpecInvalid) as caught:
        parse_spec(mode, read.document)
    return read.fault_of(caught.value)


scalars = (
    st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(1e-9, 1e9)
    | st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=30)
    | st.sampled_from(
        ("yes", "No", "tRue", "~", "null", "1_000", "12:30", "08:30", "2026-01-02", "1e3", "0x1f")
    )
    | st.sampled_from(("<<", "=", "-", "a: b", "# no", "&a", "*a", "!x", "a\nb", " a \n\n b\n", ""))
)
documents = st.dictionaries(
    st.text(st.characters(codec="ascii", categories=("L",)), min_size=1, max_size=8),
    st.recursive(scalars, lambda inner: st.lists(inner, max_size=3), max_leaves=6)
    | st.dictionaries(st.sampled_from(("at", "timezone", "check")), scalars, max_size=3),
    max_size=6,
)


@given(documents)
def test_what_is_written_is_read_back(document: dict[str, Any]) -> None:
    assert read_rules(write_rules(document)).document == document


def test_words_are_read_as_they_stand() -> None:
    steps: Any = read_rules(RULES).document["steps"]

    assert steps[0]["by"] == {"at": "12:30", "timezone": "Europe/Berlin"}
    assert steps[0]["check"] == "entitlement.payload.plan\n  == expected.plan"
    assert steps[1]["absent"] == "no"
    assert steps[1]["not_by"] == ["worker", "cron"]


def test_rules_are_written_in_the_order_in_which_they_are_explained() -> None:
    document = {
        "steps": [{"within": "1h", "kind": "b", "check": "b.payload.x\n&& true", "name": "a"}],
        "grace": "2m",
        "schedules": [{"timezone": "Asia/Tokyo", "cron": "0 3 * * *"}],
    }

    assert write_rules(document).splitlines() == [
        "schedules:",
        "  - cron: 0 3 * * *",
        "    timezone: Asia/Tokyo",
        "grace: 2m",
        "steps:",
        "  - name: a",
        "    kind: b",
        "    check: |-",
        "      b.payload.x",
        "      && true",
        "    within: 1h",
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "# only words\n", "---\n", "{}", "null"])
def test_nothing_is_no_rules(text: str) -> None:
    assert read_rules(text).document == {}


@pytest.mark.parametrize("text", ["", "\n\n", "# only words\n", "---\n", "null"])
def test_a_text_that_says_nothing_is_no_way_to_drop_all_rules(text: str) -> None:
    fault = use_rules(text, lambda _rules: pytest.fail("It was used."))

    assert fault == Fault(sentence=SAYS_NOTHING, line=1)
    assert use_rules("{}", lambda rules: rules) == {}


def test_rules_at_their_defaults_say_so_and_are_read_back() -> None:
    assert write_rules({}) == "{}  # every rule is at its default\n"
    assert read_rules(write_rules({})).document == {}


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("within", 1),
        ("comforts[0].kind", 4),
        ("steps", 5),
        ("steps[0]", 6),
        ("steps[0].check", 8),
        ("steps[0].by.timezone", 13),
        ("steps[1]", 14),
        ("steps[1].not_by[1]", 18),
        ("steps[1].after", 14),
        ("steps[9].kind", 5),
        ("nowhere", 1),
        ("", 1),
    ],
)
def test_each_field_has_its_line_and_what_is_not_there_that_of_what_is_around_it(
    path: str, line: int
) -> None:
    assert read_rules(RULES).line_of(path) == line


@pytest.mark.parametrize(
    ("old", "new", "field", "line", "words"),
    [
        ("within: 2h", "within: soon", "within", 1, "Write a duration"),
        ("members: all", "member: all", "steps[1].member", 17, "did you mean `members`?"),
        ("kind: handler_returned", "kind: Handler!", "comforts[0].kind", 4, "A kind is"),
        ("    kind: entitlement\n", "", "steps[0].kind", 6, "This field is required."),
        ("absent: false", "after: [later]", "steps[1].after", 19, "No earlier step"),
        ("at: 12:30", "at: 25:30", "steps[0].by.at", 12, "Give a time of day"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
def test_a_refused_field_is_found_at_its_line(
    old: str, new: str, field: str, line: int, words: str
) -> None:
    fault = fault_in(RULES.replace("absent: no", "absent: false").replace(old, new))

    assert (fault.field, fault.line) == (field, line)
    assert words in fault.sentence


def test_a_wrong_condition_is_found_at_the_line_of_its_caret() -> None:
    text = RULES.replace("absent: no", "absent: false").replace("expected.plan", "expceted.plan")

    fault = fault_in(text)

    assert (fault.field, fault.line) == ("steps[0].check", 10)
    assert fault.column == 12
    assert fault.excerpt == "        == expceted.plan\n           ^"
    assert "did you mean `expected`?" in fault.sentence


@pytest.mark.parametrize(
    ("check", "line", "column"),
    [
        ("access.payload.a && acess.payload.b", 4, 32),
        ("'access.payload.a && acess.payload.b'", 4, 33),
        ('"access.payload.a\\n&& acess.payload.b"', 4, 34),
        ("|\n\n      access.payload.a\n      && acess.payload.b", 7, 10),
        (">-\n      access.payload.a\n      && acess.payload.b", 5, 7),
        ("access.payload.a\n      && acess.payload.b", 4, 5),
    ],
)
def test_a_condition_has_its_place_however_it_is_quoted(check: str, line: int, column: int) -> None:
    fault = fault_in(f"steps:\n  - name: access\n    kind: access\n    check: {check}\n")

    assert (fault.field, fault.line, fault.column) == ("steps[0].check", line, column)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: 1\nb: [1, 2\n", (2, 9), "This is not YAML"),
        ("a: 1\na: 3\n", (2, 1), "`a` stands in line 1 already."),
        ("a: 1\n---\nb: 2\n", (3, 1), "One document"),
        ("a: !!str 3", (1, 4), "Tags are not read"),
        ("a: &a x\nb: *a\n", (1, 4), "Anchors and aliases are not read"),
        ("a: 1\nb: x\0y\n", (2, 5), "may not hold"),
        ("a: 1\nb: " + "x" * MOST_BYTES, (1, 1), "At most 64 KiB"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_at_its_place(
    text: str, place: tuple[int, int], words: str
) -> None:
    fault = refused(text)

    assert (fault.line, fault.column) == place
    assert words in fault.sentence


def test_a_list_where_fields_belong_is_refused_by_the_rules() -> None:
    fault = fault_in("- a\n- b\n")

    assert (fault.field, fault.line) == ("", 1)
    assert "Give an object" in fault.sentence


def test_a_number_too_long_for_a_number_stays_a_text() -> None:
    assert read_rules("attempts: " + "9" * 6000).document == {"attempts": "9" * 6000}
