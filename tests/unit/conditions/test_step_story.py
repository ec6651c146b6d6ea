"""What conditions, order, absence, staying, members and people's bars make of a run."""

from datetime import time

import pytest

from monitors.conditions.fold import fold
from monitors.conditions.rules import (
    ClockTime,
    Mode,
    Spec,
    Step,
    Strength,
)
from monitors.conditions.values import (
    Cause,
    Reason,
    State,
    Verdict,
)
from tests.unit.conditions.instants import (
    blind,
    facts,
    failed,
    minutes,
    noon,
    piece,
    started,
    succeeded,
)

ACTIVE = Step(
    name="access", claim="Access follows the plan", kind="access",
    check="access.payload.plan == expected.plan", within=minutes(30),
)  # fmt: skip
MAILED = Step(name="mail", claim="The customer was told", kind="mail", within=minutes(30))


def spec(*steps, **more):
    return Spec(mode=Mode.RUN, steps=steps, **more)


def begun(plan="pro", after=0):
    return piece("start", "start", after, expected={"plan": plan})


def access(plan, after, name=None, **more):
    return piece(name or f"access-{after}", "access", after, payload={"plan": plan}, **more)


def letters(judgement):
    return "".join(move.letter for move in judgement.path)


def verdicts(judgement):
    return [step.verdict for step in judgement.steps]


# ── conditions ─────────────────────────────────────────────────────────────────────────────────
def test_a_step_is_met_when_its_condition_agrees_with_what_was_expected():
    judgement = fold(spec(ACTIVE), facts(begun(), access("pro", 5)), noon(6))

    assert (letters(judgement), judgement.since) == ("AB", noon(5))


def test_a_no_before_the_deadline_may_still_recover():
    rules = spec(ACTIVE)

    wrong = fold(rules, facts(begun(), access("free", 5)), noon(6))
    right = fold(rules, facts(begun(), access("free", 5), access("pro", 9)), noon(10))

    assert (wrong.state, verdicts(wrong)) == (State.OPEN, [Verdict.VIOLATED])
    assert letters(right) == "AB"


def test_a_no_at_the_deadline_has_failed_and_a_later_yes_recovers():
    rules = spec(ACTIVE)

    failed_run = fold(rules, facts(begun(), access("free", 5)), noon(31))
    recovered = fold(rules, facts(begun(), access("free", 5), access("pro", 40)), noon(41))

    assert (letters(failed_run), failed_run.reason) == ("AF", Reason.STEP_VIOLATED)
    assert failed_run.since == noon(30)
    assert [(b.cause, b.step) for b in failed_run.breaks] == [(Cause.FAILED, "access")]
    assert letters(recovered) == "AFE"
    assert recovered.lateness == minutes(10)


def test_a_no_without_a_deadline_fails_at_once():
    step = Step(name="access", claim="", kind="access", check="access.payload.plan == 'pro'")

    judgement = fold(spec(step), facts(begun(), access("free", 5)), noon(6))

    assert (judgement.state, judgement.since) == (State.FAILED, noon(5))


def test_what_is_missing_is_named_and_never_met():
    judgement = fold(spec(ACTIVE), facts(started(), piece("a", "access", 5, payload={})), noon(31))

    assert judgement.state is State.OVERDUE
    assert judgement.steps[0].missing == ("access.payload.plan", "expected.plan")


def test_a_newer_piece_without_the_path_does_not_unprove():
    evidence = begun(), access("pro", 5), piece("later", "access", 7, payload={})

    judgement = fold(spec(ACTIVE), facts(*evidence), noon(8))

    assert (judgement.state, judgement.steps[0].evidence_id) == (State.PROVEN, "access-5")


def test_later_evidence_contradicts_a_proof_and_may_give_it_back():
    rules = spec(ACTIVE, MAILED)
    kept = begun(), access("pro", 5), piece("mail", "mail", 6)

    broken = fold(rules, facts(*kept, access("free", 60)), noon(61))
    back = fold(rules, facts(*kept, access("free", 60), access("pro", 70)), noon(71))

    assert letters(broken) == "ABG"
    assert [(b.cause, b.step, b.since) for b in broken.breaks] == [
        (Cause.CONTRADICTED, "access", noon(60))
    ]
    assert (letters(back), back.since) == ("ABGH", noon(70))


def test_a_failing_claim_that_withdraws_a_proof_is_answered_by_new_evidence_only():
    rules = spec(ACTIVE)
    evidence = begun(), access("pro", 5), failed(10)

    withdrawn = fold(rules, facts(*evidence, piece("other", "note", 12)), noon(13))

    assert letters(withdrawn) == "ABG"
    assert letters(fold(rules, facts(*evidence, access("pro", 20)), noon(21))) == "ABGH"


def test_a_condition_that_cannot_be_judged_breaks_no_promise():
    rules = spec(
        Step(name="paid", claim="", kind="bill", check="bill.payload.sum > 1", within=minutes(30))
    )
    wrong = facts(started(), piece("bill", "bill", 5, payload={"sum": "12"}))

    early, late = fold(rules, wrong, noon(6)), fold(rules, wrong, noon(31))

    assert verdicts(early) == [Verdict.BROKEN]
    assert "line 1, column 1" in early.steps[0].fault
    assert [(b.cause, b.step, b.until) for b in early.breaks] == [(Cause.BROKEN, "paid", None)]
    assert (early.state, late.state) == (State.OPEN, State.UNKNOWN)
    assert (letters(late), late.reason) == ("AJ", Reason.CONDITION_BROKEN)


def test_a_mended_condition_is_judged_as_if_it_had_always_been_right():
    rules = spec(
        Step(name="paid", claim="", kind="bill", check="bill.payload.sum > 1", within=minutes(30))
    )
    wrong = started(), piece("bill", "bill", 5, payload={"sum": "12"})

    proven = fold(rules, facts(*wrong, piece("b2", "bill", 40, payload={"sum": 12})), noon(41))
    failing = fold(rules, facts(*wrong, piece("b2", "bill", 40, payload={"sum": 0})), noon(41))

    assert letters(proven) == "AJK"
    assert (proven.state, proven.lateness) == (State.PROVEN, minutes(10))
    assert proven.breaks[0].until == noon(40)
    assert failing.state is State.FAILED


# ── who may vouch ──────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("rule", "missing"),
    [
        ({"min_strength": Strength.RECEIPT}, "mail.strength"),
        ({"not_by": ("api",)}, "mail.source other than api"),
    ],
)
def test_evidence_of_those_who_may_not_vouch_is_named_as_what_is_wrong(rule, missing):
    step = Step(name="mail", claim="", kind="mail", **rule)

    judgement = fold(spec(step), facts(started(), piece("mail", "mail", 5)), noon(6))

    assert judgement.steps[0].missing == (missing,)
    assert judgement.state is State.OPEN


def test_a_barred_piece_does_not_hide_a_good_one():
    step = Step(name="mail", claim="", kind="mail", not_by=("api",), check="mail.payload.ok")
    good = piece("good", "mail", 5, source="postmark", payload={"ok": True})
    barred = piece("barred", "mail", 6, payload={"ok": False})

    assert fold(spec(step), facts(started(), good, barred), noon(7)).state is State.PROVEN


# ── order ──────────────────────────────────────────────────────────────────────────────────────
AFTER = Step(name="told", claim="", kind="mail", after=("access",), skew=minutes(1))


def test_a_step_counts_only_after_the_one_it_comes_after():
    rules = spec(ACTIVE, AFTER)
    early = begun(), piece("mail", "mail", 2), access("pro", 5)

    judgement = fold(rules, facts(*early), noon(6))
    again = fold(rules, facts(*early, piece("again", "mail", 8)), noon(9))

    assert verdicts(judgement) == [Verdict.MET, Verdict.NOT_YET]
    assert judgement.steps[1].missing == ("mail after access",)
    assert (again.state, again.since) == (State.PROVEN, noon(8))


def test_clocks_may_differ_by_the_skew():
    evidence = begun(), piece("mail", "mail", 4), access("pro", 5)

    judgement = fold(spec(ACTIVE, AFTER), facts(*evidence), noon(6))

    assert (judgement.state, judgement.since) == (State.PROVEN, noon(5))


# ── deadlines from a step, by the clock ────────────────────────────────────────────────────────
def test_a_deadline_may_count_from_the_proof_of_another_step():
    told = Step(name="told", claim="", kind="mail", since="access", within=minutes(10))
    rules = spec(ACTIVE, told)

    waiting = fold(rules, facts(begun(), access("pro", 20)), noon(21))
    overdue = fold(rules, facts(begun(), access("pro", 20)), noon(30))

    assert (waiting.steps[1].due_at, waiting.review_at) == (noon(30), noon(30))
    assert (letters(overdue), overdue.breaks[0].step) == ("AD", "told")
    assert fold(rules, facts(begun()), noon(29)).steps[1].due_at is None


def test_a_deadline_by_the_clock_is_the_first_such_time_after_the_opening():
    by = ClockTime(at=time(8, 30), timezone="Europe/Berlin")
    rules = spec(Step(name="mail", claim="", kind="mail", by=by))

    judgement = fold(rules, facts(started()), noon(1))

    # The clocks went forward that night: half past eight is half past six in UTC.
    assert judgement.review_at == noon(18.5 * 60)
    assert fold(rules, facts(started()), noon(18.5 * 60)).state is State.OVERDUE


# ── what must not happen, what must stay ───────────────────────────────────────────────────────
QUIET = Step(
    name="no refund", claim="", kind="refund", absent=True, within=minutes(30),
    check="refund.payload.full",
)  # fmt: skip


def test_what_must_not_happen_is_met_by_its_window_going_by():
    judgement = fold(spec(QUIET), facts(started()), noon(29))

    assert (verdicts(judgement), judgement.review_at) == ([Verdict.HOLDING], noon(30))
    assert letters(fold(spec(QUIET), facts(started()), noon(30))) == "AB"


def test_what_must_not_happen_fails_at_once_and_for_good():
    full = piece("refund", "refund", 5, payload={"full": True})
    part = piece("part", "refund", 9, payload={"full": False})

    judgement = fold(spec(QUIET), facts(started(), full, part, succeeded(10)), noon(60))

    assert (judgement.state, judgement.since) == (State.FAILED, noon(5))
    assert fold(spec(QUIET), facts(started(), part), noon(60)).state is State.PROVEN


def test_what_happens_after_its_window_contradicts_the_proof():
    full = piece("refund", "refund", 45, payload={"full": True})

    assert letters(fold(spec(QUIET), facts(started(), full), noon(60))) == "ABG"


STAYS = Step(
    name="live",
    claim="",
    kind="page",
    check="page.payload.ok",
    stays_for=minutes(10),
    within=minutes(30),
)


def page(ok, after):
    return piece(f"page-{after}", "page", after, payload={"ok": ok})


def test_a_state_counts_once_it_has_stayed():
    rules = spec(STAYS)

    holding = fold(rules, facts(started(), page(True, 5)), noon(6))

    assert (verdicts(holding), holding.review_at) == ([Verdict.HOLDING], noon(15))
    assert letters(fold(rules, facts(started(), page(True, 5)), noon(15))) == "AB"


def test_a_state_that_does_not_stay_begins_anew():
    evidence = started(), page(True, 5), page(False, 9), page(True, 12)

    assert fold(spec(STAYS), facts(*evidence), noon(21)).state is State.OPEN
    assert fold(spec(STAYS), facts(*evidence), noon(22)).since == noon(22)


def test_true_in_time_is_in_time_though_it_must_still_stay():
    late = started(), page(True, 25)

    assert fold(spec(STAYS), facts(*late), noon(31)).state is State.OPEN
    assert letters(fold(spec(STAYS), facts(*late, page(False, 33)), noon(34))) == "AF"


def test_blind_time_does_not_count_as_staying():
    facts_ = facts(started(), page(True, 5), blind=(blind(8, 12),))

    assert fold(spec(STAYS), facts_, noon(16)).state is State.OPEN
    assert fold(spec(STAYS), facts_, noon(19)).since == noon(19)
