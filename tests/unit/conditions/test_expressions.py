"""The golden table: what the CEL library says of each case, and which verdict we read from its words.

A new version of the library may change a text; then a row here fails before a customer is told anything.
"""

from datetime import UTC, datetime

import pytest

from monitors.conditions.condition_text import ConditionInvalid
from monitors.conditions.expressions import (
    World,
    compile_condition,
    names_of,
)
from monitors.conditions.rules import Strength
from monitors.conditions.values import Evidence, Verdict

NOON = datetime(2026, 3, 28, 12, tzinfo=UTC)
KINDS = ("access", "invoice.paid", "mail", "never")
PAYLOAD = {
    "status": "active",
    "plan": "pro",
    "count": 5,
    "price": 9.5,
    "big": 9_007_199_254_740_993,
    "huge": "123456789012345678901234567890",
    "digits": "42",
    "yes": True,
    "nothing": None,
    "at": "2026-03-28T11:59:00Z",
    "bad_at": "yesterday",
    "empty": [],
    "map": {"a": {"b": 1}, "k-1": "x"},
    "rows": [{"ok": True, "n": 1}, {"ok": True, "n": 2}],
    "mixed": [{"ok": True}, {"n": 2}],
    "failing": [{"ok": False}, {"n": 2}],
}


def evidence(kind: str, payload: object, **more: object) -> Evidence:
    given = {"strength": Strength.RECEIPT, "occurred_at": NOON, "received_at": NOON, **more}
    return Evidence(id=kind, kind=kind, payload=payload, **given)


WORLD = World(
    latest={
        "access": evidence("access", PAYLOAD, ids={"customer": "cus_1"}),
        "invoice.paid": evidence("invoice.paid", {"amount": 100}, source="stripe"),
        "mail": evidence("mail", None),
    },
    expected={"plan": "pro", "tags": ["a"]},
    run={"key": "cus_1", "occurrence": "run-7", "environment": "production", "opened_at": NOON},
)
MET, VIOLATED, NOT_YET, BROKEN = Verdict.MET, Verdict.VIOLATED, Verdict.NOT_YET, Verdict.BROKEN

GOLDEN = [
    # what is there
    ("access.payload.status == 'active'", MET, ()),
    ("access.payload.status != 'active'", VIOLATED, ()),
    ("access.payload.plan == expected.plan", MET, ()),
    ("access.payload.status == expected.plan", VIOLATED, ()),
    ("access.payload.status in ['active', 'trial']", MET, ()),
    ("access.payload.count > 4 && access.payload.count < 6", MET, ()),
    ("access.payload.yes", MET, ()),
    ("!access.payload.yes", VIOLATED, ()),
    ("access.payload.nothing == null", MET, ()),
    ("access.payload['status'] == 'active'", MET, ()),
    ("access.payload.map['k-1'] == 'x'", MET, ()),
    ("access.payload.map.a.b == 1", MET, ()),
    ("access.ids.customer == run.key", MET, ()),
    ("access.strength == 'receipt'", MET, ()),
    ("access.source == 'api'", MET, ()),
    ("invoice_paid.source == 'stripe' && invoice_paid.payload.amount == 100", MET, ()),
    ("run.environment == 'production' && run.occurrence.startsWith('run-')", MET, ()),
    ("'a' in expected.tags", MET, ()),
    ("'status' in access.payload", MET, ()),
    ("'absent' in access.payload", VIOLATED, ()),
    ("size(access.payload.rows) == 2", MET, ()),
    ("access.payload.rows.all(r, r.ok)", MET, ()),
    ("access.payload.rows.exists(r, r.n == 2)", MET, ()),
    ("access.payload.rows.exists_one(r, r.ok)", VIOLATED, ()),
    ("access.payload.rows.filter(r, r.n > 1).size() == 1", MET, ()),
    ("access.payload.rows.map(r, r.n) == [1, 2]", MET, ()),
    ("access.payload.rows[1].n == 2", MET, ()),
    ("access.payload.empty.all(r, r.ok)", MET, ()),
    ("access.payload.empty.exists(r, r.ok)", VIOLATED, ()),
    ("size(access.payload.empty) == 0", MET, ()),
    # numbers
    ("access.payload.count == 5.0", MET, ()),
    ("access.payload.price > 9", MET, ()),
    ("access.payload.big == 9007199254740993", MET, ()),
    ("access.payload.big > 9007199254740992", MET, ()),
    ("access.payload.huge == '123456789012345678901234567890'", MET, ()),
    ("int(access.payload.digits) == 42", MET, ()),
    ("double(access.payload.count) + 0.5 > 5.4", MET, ()),
    # time
    ("access.occurred_at == run.opened_at", MET, ()),
    ("timestamp(access.payload.at) < access.occurred_at", MET, ()),
    ("access.occurred_at - timestamp(access.payload.at) < duration('90s')", MET, ()),
    ("access.occurred_at.getHours('UTC') == 12", MET, ()),
    # what is missing, under every operator
    ("access.payload.absent == 'x'", NOT_YET, ("access.payload.absent",)),
    ("access.payload.absent != 'x'", NOT_YET, ("access.payload.absent",)),
    ("!(access.payload.absent == 'x')", NOT_YET, ("access.payload.absent",)),
    ("access.payload.absent in ['x']", NOT_YET, ("access.payload.absent",)),
    ("access.payload.absent > 1", NOT_YET, ("access.payload.absent",)),
    ("access.payload.absent", NOT_YET, ("access.payload.absent",)),
    ("!access.payload.absent", NOT_YET, ("access.payload.absent",)),
    ("access.payload['absent'] == 1", NOT_YET, ("access.payload.absent",)),
    ("access.payload.map.a.c.d == 1", NOT_YET, ("access.payload.map.a.c.d",)),
    ("access.payload.nothing.below == 1", NOT_YET, ("access.payload.nothing.below",)),
    ("size(access.payload.absent) > 0", NOT_YET, ("access.payload.absent",)),
    ("timestamp(access.payload.absent) < run.opened_at", NOT_YET, ("access.payload.absent",)),
    ("access.payload.absent.startsWith('a')", NOT_YET, ("access.payload.absent",)),
    ("access.ids.absent == 'x'", NOT_YET, ("access.ids.absent",)),
    ("expected.absent == 'x'", NOT_YET, ("expected.absent",)),
    ("never.payload.state == 'x'", NOT_YET, ("never.payload.state",)),
    ("never.occurred_at > run.opened_at", NOT_YET, ("never.occurred_at",)),
    ("never.strength == 'claim'", NOT_YET, ("never.strength",)),
    ("mail.payload.state == 'x'", NOT_YET, ("mail.payload.state",)),
    ("access.payload.empty[0] == 1", NOT_YET, ("access.payload.empty[0]",)),
    ("access.payload.rows[7].ok", NOT_YET, ("access.payload.rows[7].ok",)),
    ("access.payload.mixed.all(r, r.ok)", NOT_YET, ("access.payload.mixed[*].ok",)),
    ("access.payload.mixed.exists(r, r.n == 9)", NOT_YET, ("access.payload.mixed[*].n",)),
    ("access.payload.absent.all(r, r.ok)", NOT_YET, ("access.payload.absent",)),
    ("access.payload.mixed.map(r, r.n).size() > 0", NOT_YET, ("access.payload.mixed[*].n",)),
    ("true && access.payload.absent == 1", NOT_YET, ("access.payload.absent",)),
    ("access.payload.absent == 1 && true", NOT_YET, ("access.payload.absent",)),
    ("false || access.payload.absent == 1", NOT_YET, ("access.payload.absent",)),
    ("access.payload.yes ? access.payload.absent : true", NOT_YET, ("access.payload.absent",)),
    ("never.payload.a == mail.payload.b", NOT_YET, ("never.payload.a", "mail.payload.b")),
    ("has(access.payload.absent.deep)", NOT_YET, ("access.payload.absent.deep",)),
    # what decides although something is missing
    ("access.payload.absent == 1 && false", VIOLATED, ()),
    ("false && access.payload.absent == 1", VIOLATED, ()),
    ("access.payload.absent == 1 || true", MET, ()),
    ("access.payload.status == 'ended' && access.payload.absent == 1", VIOLATED, ()),
    ("access.payload.status == 'active' || never.payload.x == 1", MET, ()),
    ("access.payload.failing.all(r, r.ok)", VIOLATED, ()),
    ("access.payload.mixed.exists(r, r.ok)", MET, ()),
    ("has(access.payload.absent)", VIOLATED, ()),
    ("has(access.payload.status)", MET, ()),
    # what cannot be judged is the monitor's fault
    ("access.payload.digits > 1", BROKEN, "line 1, column 1: `>` does not take a text and a whole"),
    ("access.payload.status + 1 == 2", BROKEN, "`+` does not take a text and a whole number"),
    ("access.payload.count + 0.5 > 5.4", BROKEN, "take a whole number and a decimal number"),
    ("access.payload.count / 0 == 1", BROKEN, "line 1, column 1: a division by zero"),
    ("access.payload.count % 0 == 1", BROKEN, "line 1, column 1: a division by zero"),
    ("access.payload.status.below == 1", BROKEN, "a value that has no fields is asked for one"),
    ("timestamp(access.payload.bad_at) < run.opened_at", BROKEN, "a text that is no timestamp"),
    ("int(access.payload.status) == 1", BROKEN, "column 1: cannot convert string to int"),
    ("access.payload.rows.all(r, r)", BROKEN, "`&&` does not take these values"),
    ("access.payload.status ? true : false", BROKEN, "`? :` does not take these values"),
    ("access.payload.count", BROKEN, "line 1, column 1: 5 is neither yes nor no"),
    ("access.payload.nothing", BROKEN, "null is neither yes nor no"),
    ("access.payload.plan", BROKEN, '"pro" is neither yes nor no'),
    ("access.payload.price", BROKEN, "9.5 is neither yes nor no"),
    ("dyn(access.occurred_at)", BROKEN, "a timestamp is neither yes nor no"),
    ("access.payload.big * access.payload.big > 0", BROKEN, "a whole number grows beyond 64 bits"),
    (
        "access.payload.status == 'active' &&\n    access.payload.digits > 1",
        BROKEN,
        "line 2, column 5: `>` does not take",
    ),
]  # fmt: skip


def test_the_table_is_long_enough():
    assert len(GOLDEN) >= 80


@pytest.mark.parametrize(("text", "verdict", "rest"), GOLDEN, ids=[row[0] for row in GOLDEN])
def test_every_condition_gets_its_verdict(text, verdict, rest):
    answer = compile_condition(text, KINDS).judge(WORLD)

    assert answer.verdict is verdict
    if verdict is BROKEN:
        assert rest in answer.fault
    else:
        assert answer.missing == rest


def test_handing_over_only_what_is_read_never_changes_an_answer():
    whole = {f"access.{name}": getattr(WORLD.latest["access"], name) for name in ("payload", "ids")}
    for text, verdict, _ in GOLDEN:
        condition = compile_condition(text, KINDS)
        values = WORLD.values(condition)
        assert condition.program.eval(data=values | {k: v for k, v in whole.items() if k in values}).value() == (
            condition.program.eval(data=values).value()
        ), (text, verdict)  # fmt: skip


def test_only_what_is_read_is_handed_over():
    condition = compile_condition("access.payload.map.a.b == 1 && has(access.payload.plan)", KINDS)

    assert WORLD.values(condition) == {"access.payload": {"map": {"a": {"b": 1}}, "plan": "pro"}}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("(true &&\n (access.payload.digits > 1))", "line 2, column 3"),
        ("access.payload.yes &&\n !(access.payload.digits > 1)", "line 2, column 4"),
        ("access.payload.yes // it's\n && access.payload.digits > 1", "line 2, column 5"),
    ],
)
def test_a_fault_in_brackets_is_found_there(text, place):
    assert compile_condition(text, KINDS).judge(WORLD).fault.startswith(f"{place}: ")


@pytest.mark.parametrize(
    "text",
    [
        "access.payload.yes // it's so\n && access.payload.count == 5",
        "access.payload.status != r'a(' && access.payload.count == 5",
        "access.payload.status != '\\'' && access.payload.count == 5",
        'access.payload.status != """it\'s (\n""" && access.payload.count == 5',
        "access.payload['cou\\u006et'] == 5",
        "access.payload.rows[0u].ok",
    ],
)
def test_what_is_read_is_told_from_the_text_as_the_library_reads_it(text):
    assert compile_condition(text, KINDS).judge(WORLD).verdict is MET


def test_a_fault_is_one_short_sentence_whatever_the_payload_holds():
    world = World(latest={"access": evidence("access", {"x": "y" * 30_000})}, expected={}, run={})

    for text in ("access.payload.x", "access.payload", "'a'.matches('(' + access.payload.x)"):
        assert len(compile_condition(text, ("access",)).judge(world).fault) < 250


@pytest.mark.parametrize(
    ("text", "told"), [("access.payload.rows", "a list"), ("access.payload", "an object")]
)
def test_of_a_payload_that_is_no_answer_only_its_kind_is_told(text, told):
    fault = compile_condition(text, KINDS).judge(WORLD).fault

    assert fault == f"line 1, column 1: {told} is neither yes nor no"


def test_comments_and_texts_hide_no_loop():
    loops = "access.payload.a.all(x, x.all(y, y.all(z, z)))"
    with pytest.raises(ConditionInvalid, match="At most 2 loops"):
        compile_condition(f"// it's\n{loops} // it's", KINDS)


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        (("a.b", "a_b"), "`a.b` and `a_b` would have one name, `a_b`"),
        (("run",), "`run` is something else"),
        (("expected",), "`expected` is something else"),
    ],
)
def test_kinds_that_would_share_a_name_are_refused(kinds, said):
    with pytest.raises(ConditionInvalid, match=said):
        names_of(kinds)


def test_a_loop_over_too_many_entries_is_the_monitors_fault():
    world = World(
        latest={"access": evidence("access", {"rows": [1] * 20_000})}, expected={}, run={}
    )

    answer = compile_condition("access.payload.rows.all(r, r == 1)", ("access",)).judge(world)

    assert answer.verdict is BROKEN
    assert "Iteration budget exceeded" in answer.fault


def test_a_hostile_pattern_is_answered_at_once():
    world = World(
        latest={"access": evidence("access", {"s": "a" * 30_000 + "!"})}, expected={}, run={}
    )

    assert (
        compile_condition("access.payload.s.matches('(a+)+b')", ("access",)).judge(world).verdict
        is VIOLATED
    )
