"""What is asked of each member of a batch, and what a part of it proves."""

from dataclasses import replace

import pytest

from monitors.conditions.fold import fold
from monitors.conditions.members import Tally
from monitors.conditions.rules import Mode, Share, Spec, Step
from monitors.conditions.values import Cause, State, Verdict
from tests.unit.conditions.instants import facts, minutes, noon, piece, started


def spec(*steps, **more):
    return Spec(mode=Mode.RUN, steps=steps, **more)


def letters(judgement):
    return "".join(move.letter for move in judgement.path)


def saved(member, after, *, ok=True):
    return piece(f"{member}-{after}", "row", after, ids={"member": member}, payload={"ok": ok})


def batch(*members, **expected):
    given = {"members": list(members)} if members else {}
    return piece("start", "start", 0, expected={**given, **expected})


def each(share, check="row.payload.ok"):
    return spec(
        Step(name="rows", claim="", kind="row", check=check, members=share, within=minutes(30))
    )


def test_all_members_prove_a_batch():
    rules = each(Share(every=True))
    two = batch("a", "b"), saved("a", 1)

    assert fold(rules, facts(*two), noon(5)).steps[0].missing == ("row[b]",)
    assert letters(fold(rules, facts(*two, saved("b", 9)), noon(10))) == "AB"


def test_a_part_of_a_batch_is_partial_and_names_the_missing():
    members = [f"cus_{n}" for n in range(1000)]
    evidence = [batch(*members), *(saved(each_, 1) for each_ in members[3:])]

    judgement = fold(each(Share(every=True)), facts(*evidence), noon(30))

    assert (judgement.state, judgement.breaks[0].cause) == (State.OVERDUE, Cause.PARTIAL)
    assert judgement.steps[0].members == (997, 1000)
    assert judgement.steps[0].missing == ("row[cus_0]", "row[cus_1]", "row[cus_2]")


@pytest.mark.parametrize(
    ("share", "is_met"),
    [
        (Share(at_least=2), True),
        (Share(at_least=3), False),
        (Share(ratio=0.5), True),
        (Share(ratio=0.51), False),
    ],
)
def test_enough_members_are_enough(share, is_met):
    evidence = batch(count=4), saved("a", 1), saved("b", 2), saved("c", 3, ok=False)

    judgement = fold(each(share), facts(*evidence), noon(5))

    assert (judgement.state is State.PROVEN) is is_met


def test_a_member_that_falls_back_contradicts_the_batch():
    evidence = batch("a", "b"), saved("a", 1), saved("b", 2), saved("a", 9, ok=False)

    assert letters(fold(each(Share(every=True)), facts(*evidence), noon(10))) == "ABG"


def test_a_batch_of_unknown_size_waits_for_it():
    judgement = fold(each(Share(every=True)), facts(started(), saved("a", 1)), noon(5))

    assert judgement.steps[0].missing == ("expected.members",)


def test_members_are_asked_anew_when_another_kind_changes():
    rules = spec(
        Step(name="rows", claim="", kind="row", check="row.payload.ok && gate.payload.open", members=Share(every=True)),
        Step(name="gate", claim="", kind="gate"),
    )  # fmt: skip
    evidence = batch("a"), saved("a", 1), piece("gate", "gate", 5, payload={"open": True})

    assert fold(rules, facts(*evidence), noon(6)).state is State.PROVEN


def test_a_member_that_is_named_twice_is_wanted_once():
    evidence = batch("a", "a", "b"), saved("a", 1), saved("b", 2)
    assert letters(fold(each(Share(every=True)), facts(*evidence), noon(5))) == "AB"


def test_who_came_before_the_list_that_names_it_counts():
    longer = piece("more", "row", 2, ids={"member": "a"}, payload={"ok": False})
    longer = replace(longer, expected={"members": ["a", "b"]})
    evidence = batch("a"), saved("b", 1), longer, saved("a", 3)
    assert letters(fold(each(Share(every=True)), facts(*evidence), noon(5))) == "AB"


def test_a_member_that_cannot_be_judged_is_the_monitors_fault_until_it_can():
    rules = each(Share(every=True), check="row.payload.ok || row.payload.ok")
    evidence = batch("a", "b"), saved("a", 1, ok="yes"), saved("b", 2)

    sick = fold(rules, facts(*evidence), noon(5))
    mended = fold(rules, facts(*evidence, saved("a", 6)), noon(7))

    assert (sick.state, sick.steps[0].verdict) == (State.OPEN, Verdict.BROKEN)
    assert sick.steps[0].fault.startswith("line 1, column 1: ")
    assert (mended.state, letters(mended)) == (State.PROVEN, "AB")
    assert mended.steps[0].members == (2, 2)


def test_members_that_cannot_be_judged_are_asked_once_each(monkeypatch):
    asked = []
    ask = Tally._ask
    monkeypatch.setattr(Tally, "_ask", lambda *given: asked.append(given[1]) or ask(*given))
    members = [f"cus_{n}" for n in range(100)]
    rules = each(Share(every=True), check="row.payload.ok > 1")

    judgement = fold(
        rules, facts(batch(*members), *(saved(each_, 1) for each_ in members)), noon(5)
    )

    assert judgement.steps[0].verdict is Verdict.BROKEN
    assert sorted(asked) == sorted(members)
