"""A deadline that passed while the probe could not look proves nothing: unknown, until it looks again."""

import pytest

from monitors.conditions.blindness import moved
from monitors.conditions.fold import fold
from monitors.conditions.rules import Comfort, Mode, Spec, Step
from monitors.conditions.values import Cause, Reason, State
from tests.unit.conditions.instants import blind, facts, minutes, noon, piece, started

VISIBLE = Step(
    name="visible", claim="It is on the page", kind="page", check="page.payload.ok",
    within=minutes(30),
)  # fmt: skip
MAILED = Step(name="mail", claim="The customer was told", kind="mail", within=minutes(30))
LASTING = {"unseen": {"page": (blind(20, None),)}}
OVER = {"unseen": {"page": (blind(20, 40),)}}


def spec(*steps, **more):
    return Spec(mode=Mode.RUN, steps=steps or (VISIBLE,), **more)


def page(ok, after):
    return piece(f"page-{after}", "page", after, payload={"ok": ok})


def path(judgement):
    return [(move.letter, move.new) for move in judgement.path]


@pytest.mark.parametrize(
    ("windows", "due"),
    [
        ((), 30),
        ((blind(5, 20),), 30),  # it looked again before the deadline
        ((blind(20, 30),), 30),  # what it sees at the end is seen in time
        ((blind(30, 40),), 30),
        ((blind(20, 40),), 50),
        ((blind(-60, 40),), 70),
        ((blind(20, 40), blind(45, 60)), 65),
        ((blind(20, 40), blind(25, 60)), 70),
        ((blind(29, None),), None),
    ],
)
def test_only_blindness_at_the_deadline_moves_it(windows, due):
    assert moved(windows, noon(0), noon(30)) == (None if due is None else noon(due))


def test_a_run_whose_probe_is_blind_at_the_deadline_is_unknown_and_nothing_is_broken():
    judgement = fold(spec(), facts(started(), **LASTING), noon(300))
    assert path(judgement) == [("A", State.OPEN), ("J", State.UNKNOWN)]
    assert (judgement.since, judgement.reason) == (noon(30), Reason.PROBE_WAS_BLIND)
    assert (judgement.breaks, judgement.review_at) == ((), None)


def test_what_it_said_before_it_went_blind_is_no_last_word():
    judgement = fold(spec(), facts(started(), page(ok=False, after=10), **LASTING), noon(40))
    assert (judgement.state, judgement.breaks) == (State.UNKNOWN, ())


def test_what_others_say_meanwhile_does_not_make_it_see():
    rules = spec(comforts=(Comfort(name="sent", claim="Sent", kind="sent"),))
    facts_ = facts(started(), piece("sent", "sent", 35), **LASTING)
    assert fold(rules, facts_, noon(40)).state is State.UNKNOWN


def test_what_it_sees_afterwards_proves_and_is_not_late():
    judgement = fold(spec(), facts(started(), page(ok=True, after=40), **OVER), noon(41))
    assert path(judgement)[1:] == [("J", State.UNKNOWN), ("K", State.PROVEN)]
    assert (judgement.lateness, judgement.breaks) == (None, ())


def test_when_it_looks_again_and_sees_nothing_good_the_run_is_known_at_once():
    judgement = fold(spec(), facts(started(), page(ok=False, after=42), **OVER), noon(60))
    assert path(judgement)[2:] == [("K", State.OPEN), ("F", State.FAILED)]
    assert [move.at for move in judgement.path[2:]] == [noon(42), noon(50)]


def test_what_it_does_not_see_afterwards_is_overdue_when_the_wait_is_over():
    judgement = fold(spec(), facts(started(), **OVER), noon(60))
    assert path(judgement)[1:] == [("J", State.UNKNOWN), ("K", State.OVERDUE)]
    assert [(b.cause, b.since) for b in judgement.breaks] == [(Cause.STUCK, noon(50))]


def test_a_step_that_no_probe_tells_of_is_overdue_all_the_same():
    judgement = fold(spec(MAILED, VISIBLE), facts(started(), **LASTING), noon(31))
    assert judgement.state in {State.OVERDUE, State.UNKNOWN}
    told = fold(spec(MAILED), facts(started(), **LASTING), noon(31))
    assert (told.state, told.breaks[0].step) == (State.OVERDUE, "mail")


@pytest.mark.parametrize("steps", [(VISIBLE, MAILED), (MAILED, VISIBLE)])
def test_it_moves_the_deadline_of_its_own_step_alone(steps):
    judgement = fold(spec(*steps), facts(started(), **OVER), noon(60))
    assert {each.step: each.due_at for each in judgement.steps} == {
        "visible": noon(50),
        "mail": noon(30),
    }


def test_what_must_not_happen_is_not_met_by_a_probe_that_did_not_look():
    rule = Step(name="no refund", claim="No refund", kind="page", absent=True, within=minutes(30))
    judgement = fold(spec(rule), facts(started(), **LASTING), noon(60))
    assert judgement.state is State.OPEN


@pytest.mark.parametrize("after", [35, 40, 60])
def test_the_answer_is_the_same_until_the_instant_of_the_review(after):
    facts_ = facts(started(), **OVER)
    judgement = fold(spec(), facts_, noon(after))
    if judgement.review_at is not None:
        before = fold(spec(), facts_, judgement.review_at - minutes(0.001))
        assert before.state is judgement.state
        assert fold(spec(), facts_, judgement.review_at).path != judgement.path


CONTENT = Spec(mode=Mode.FRESHNESS, max_age=minutes(60))


def content(of, after):
    return piece(f"content-{after}", "table", after, fresh_as_of=noon(of))


def test_content_whose_probe_is_blind_is_unknown_not_stale():
    facts_ = facts(content(0, 1), unseen={"table": (blind(30, None),)})
    judgement = fold(CONTENT, facts_, noon(200))
    assert (judgement.state, judgement.since) == (State.UNKNOWN, noon(60))
    assert judgement.reason is Reason.PROBE_WAS_BLIND


def test_old_content_seen_again_is_stale_at_once():
    facts_ = facts(content(0, 1), content(0, 90), unseen={"table": (blind(30, 90),)})
    judgement = fold(CONTENT, facts_, noon(91))
    assert judgement.state is State.CONTRADICTED
    assert [(b.cause, b.since) for b in judgement.breaks] == [(Cause.STALE, noon(90))]


def test_new_content_seen_again_is_fresh():
    facts_ = facts(content(0, 1), content(80, 90), unseen={"table": (blind(30, 90),)})
    judgement = fold(CONTENT, facts_, noon(91))
    assert (judgement.state, judgement.breaks) == (State.PROVEN, ())
