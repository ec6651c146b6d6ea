"""What claims, steps and deadlines make of a run, letter by letter."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitors.conditions.fold import fold, opens_file
from monitors.conditions.rules import Comfort, Strength, Threshold
from monitors.conditions.values import (
    Cause,
    Outcome,
    Reason,
    State,
    Verdict,
    Waiver,
)
from tests.unit.conditions.instants import (
    DRILL,
    INSTANT,
    JOB,
    NOON,
    blind,
    facts,
    failed,
    minutes,
    noon,
    piece,
    started,
    succeeded,
)


def waiver(*, at, until):
    return Waiver(at=noon(at), until=None if until is None else noon(until), reason="holiday")


def letters(judgement):
    return "".join(move.letter for move in judgement.path)


def test_a_run_nobody_has_heard_of_is_only_expected():
    judgement = fold(JOB, facts(), NOON)

    assert (judgement.state, judgement.since, judgement.path) == (State.EXPECTED, None, ())
    assert judgement.review_at is None


def test_a_opens_at_the_first_evidence_not_at_its_arrival():
    judgement = fold(JOB, facts(started(0), opened_at=noon(3)), noon(4))

    assert letters(judgement) == "A"
    assert judgement.since == NOON
    assert judgement.review_at == noon(30)


def test_a_run_without_any_evidence_left_keeps_its_opening():
    assert fold(JOB, facts(opened_at=NOON), noon(1)).since == NOON


def test_b_success_proves_a_run_without_steps():
    judgement = fold(JOB, facts(started(), succeeded(10)), noon(20))

    assert (letters(judgement), judgement.since) == ("AB", noon(10))
    assert judgement.steps[0].verdict is Verdict.MET
    assert judgement.duration == minutes(10)
    assert judgement.review_at is None


@pytest.mark.parametrize("last", [failed(20, "second"), piece("note", "close", 20)])
def test_a_failing_claim_is_never_taken_for_the_proof_by_the_word_after_it(last):
    judgement = fold(JOB, facts(started(), failed(10), last), noon(30))

    assert (letters(judgement), judgement.state) == ("AF", State.FAILED)
    assert judgement.steps[0].verdict is Verdict.VIOLATED


def test_c_warns_and_d_breaks_at_their_instants_whenever_we_look():
    judgement = fold(JOB, facts(started()), noon(500))

    assert [(move.letter, move.at) for move in judgement.path] == [
        ("A", NOON),
        ("C", noon(30)),
        ("D", noon(60)),
    ]
    assert judgement.reason is Reason.NOTHING_NEW
    assert judgement.breaks[0].cause is Cause.STUCK
    assert judgement.missing == ("close.success",)


def test_evidence_at_its_deadline_is_late():
    in_time = fold(JOB, facts(started(), succeeded(60 - 1 / 60)), noon(61))
    late = fold(JOB, facts(started(), succeeded(60)), noon(61))

    assert (letters(in_time), in_time.lateness) == ("ACB", None)
    assert (letters(late), late.lateness) == ("ACDB", timedelta())


def test_a_late_proof_ends_the_break_and_says_how_late_it_was():
    judgement = fold(JOB, facts(started(), succeeded(75)), noon(80))

    assert judgement.lateness == minutes(15)
    assert (judgement.breaks[0].since, judgement.breaks[0].until) == (noon(60), noon(75))


def test_a_green_light_beside_a_missing_step_is_unproven():
    judgement = fold(DRILL, facts(started(), piece("u", "upload", 5), succeeded(6)), noon(60))

    assert judgement.state is State.OVERDUE
    assert judgement.reason is Reason.STEP_NOT_MET
    assert judgement.path[-1].values == (("step", "restore"),)
    assert (judgement.breaks[0].cause, judgement.breaks[0].step) == (Cause.UNPROVEN, "restore")
    assert judgement.comforts[0].at == noon(6)


def test_success_alone_never_proves_a_run_with_steps():
    judgement = fold(DRILL, facts(started(), succeeded(6)), noon(10))

    assert judgement.state is State.OPEN
    assert judgement.missing == ("upload", "restore_check")


def test_a_closing_piece_that_says_neither_success_nor_failure_proves_nothing():
    assert fold(JOB, facts(started(), piece("c", "close", 5)), noon(6)).state is State.OPEN


def test_evidence_that_is_too_weak_proves_nothing_and_says_what_is_missing():
    weak = piece("r", "restore_check", 5)
    judgement = fold(DRILL, facts(started(), weak), noon(10))

    assert judgement.steps[1].verdict is Verdict.NOT_YET
    assert judgement.missing == ("upload", "restore_check.strength")


def test_every_step_met_proves_the_run_with_the_proof_named():
    receipt = piece("r", "restore_check", 9, strength=Strength.RECEIPT)
    judgement = fold(DRILL, facts(started(), piece("u", "upload", 5), receipt), noon(10))

    assert (letters(judgement), judgement.since) == ("AB", noon(9))
    assert [step.evidence_id for step in judgement.steps] == ["u", "r"]


def test_a_step_has_its_own_deadline():
    first, second = DRILL.steps
    spec = replace(DRILL, steps=(replace(first, within=minutes(10)), second))
    judgement = fold(spec, facts(started()), noon(10))

    assert (judgement.state, judgement.breaks[0].step) == (State.OVERDUE, "upload")
    assert [step.due_at for step in judgement.steps] == [noon(10), noon(60)]


def test_without_a_deadline_a_run_never_becomes_overdue():
    judgement = fold(replace(JOB, within=None, warn_after=None), facts(started()), noon(10**5))

    assert (judgement.state, judgement.review_at) == (State.OPEN, None)


def test_f_a_failing_claim_fails_and_its_fingerprint_forgets_what_changes():
    claim = failed(5, exit_code=2, summary="No space on /dev/sda1, 17 MB short\ntrace")
    judgement = fold(JOB, facts(started(), claim), noon(6))

    assert (letters(judgement), judgement.reason) == ("AF", Reason.REPORTED_FAIL)
    assert judgement.breaks[0].fingerprint == "exit 2: no space on /dev/sda#, # mb short"
    assert judgement.steps[0].verdict is Verdict.VIOLATED


def test_only_the_last_attempt_fails_the_run():
    spec = replace(JOB, attempts=2)
    claims = facts(started(), failed(5, "first"), started(6, "again"), failed(9, "second"))

    assert fold(spec, claims, noon(8)).state is State.OPEN
    assert letters(fold(spec, claims, noon(9))) == "AF"


def test_a_retry_in_time_is_proven_without_having_failed():
    claims = facts(started(), failed(5), started(6, "again"), succeeded(9))
    judgement = fold(replace(JOB, attempts=2), claims, noon(10))

    assert (letters(judgement), judgement.reason) == ("AB", Reason.RETRY_PROVED)
    assert judgement.breaks == ()


def test_e_a_later_attempt_proves_a_failed_run():
    judgement = fold(JOB, facts(started(), failed(5), succeeded(9)), noon(10))

    assert (letters(judgement), judgement.reason) == ("AFE", Reason.RETRY_PROVED)
    assert judgement.breaks[0].until == noon(9)
    assert judgement.steps[0].verdict is Verdict.MET


def test_an_overdue_run_may_still_fail_within_the_same_break():
    judgement = fold(JOB, facts(started(), failed(70)), noon(80))

    assert letters(judgement) == "ACDF"
    assert [found.cause for found in judgement.breaks] == [Cause.STUCK]


def test_a_failure_after_a_believed_success_is_kept_but_not_judged():
    judgement = fold(JOB, facts(started(), succeeded(5), failed(9)), noon(10))

    assert (letters(judgement), judgement.state) == ("AB", State.PROVEN)


def test_g_a_failure_against_met_steps_contradicts_them_and_h_returns():
    proof = (piece("u", "upload", 5), piece("r", "restore_check", 6, strength=Strength.RECEIPT))
    broken = fold(DRILL, facts(started(), *proof, failed(9)), noon(10))
    mended = fold(DRILL, facts(started(), *proof, failed(9), succeeded(12)), noon(20))

    assert (letters(broken), broken.breaks[0].cause) == ("ABG", Cause.CONTRADICTED)
    assert (letters(mended), mended.reason) == ("ABGH", Reason.PROOF_RETURNED)


def test_a_success_that_comes_too_soon_is_not_believed():
    spec = replace(JOB, min_duration=minutes(5))

    early = fold(spec, facts(started(), succeeded(4)), noon(10))
    late_enough = fold(spec, facts(started(), succeeded(5)), noon(10))
    without_start = fold(spec, facts(succeeded(4), opened_at=NOON), noon(10))

    assert (early.state, early.reason) == (State.FAILED, Reason.TOO_SHORT)
    assert early.path[-1].values == (("seconds", "240"),)
    assert late_enough.state is without_start.state is State.PROVEN


def test_a_run_that_is_not_closed_in_its_time_is_slow_until_it_is():
    spec = replace(JOB, max_duration=minutes(20))

    during = fold(spec, facts(started()), noon(20))
    after = fold(spec, facts(started(), succeeded(25)), noon(30))

    assert [(each.cause, each.since, each.until) for each in during.breaks] == [
        (Cause.SLOW, noon(20), None)
    ]
    assert (after.breaks[0].until, after.state) == (noon(25), State.PROVEN)


def test_a_run_proven_by_its_steps_is_not_slow_for_want_of_a_closing_claim():
    spec = replace(DRILL, steps=DRILL.steps[:1], max_duration=minutes(20))

    assert fold(spec, facts(started(), piece("u", "upload", 5)), noon(50)).breaks == ()


def test_i_a_waiver_covers_the_deadline_and_k_shows_what_happened_below():
    waived = facts(started(), waiver=waiver(at=50, until=90))

    during, after = fold(JOB, waived, noon(80)), fold(JOB, waived, noon(90))

    assert (letters(during), during.breaks) == ("ACI", ())
    assert during.review_at == noon(90)
    assert (letters(after), after.state, after.since) == ("ACIK", State.OVERDUE, noon(90))
    assert after.breaks[0].cause is Cause.STUCK


def test_a_waiver_ends_the_break():
    judgement = fold(JOB, facts(started(), waiver=waiver(at=70, until=None)), noon(80))

    assert (letters(judgement), judgement.breaks[0].until) == ("ACDI", noon(70))
    assert judgement.review_at is None


def test_a_newer_occurrence_supersedes_for_good():
    judgement = fold(JOB, facts(started(), succeeded(70), superseded_at=noon(50)), noon(99))

    assert (letters(judgement), judgement.state) == ("ACI", State.SUPERSEDED)


@pytest.mark.parametrize("cover", ["waiver", "superseded_at"])
def test_a_proven_run_is_settled(cover):
    value = waiver(at=20, until=30) if cover == "waiver" else noon(20)
    judgement = fold(JOB, facts(started(), succeeded(10), **{cover: value}), noon(40))

    assert letters(judgement) == "AB"


def test_j_a_deadline_after_a_blind_time_is_put_off_by_its_length():
    dark = facts(started(), blind=(blind(40, 50),))

    unknown, overdue = fold(JOB, dark, noon(60)), fold(JOB, dark, noon(70))

    assert (letters(unknown), unknown.breaks, unknown.review_at) == ("ACJ", (), noon(70))
    assert (letters(overdue), overdue.state) == ("ACJK", State.OVERDUE)
    assert (overdue.breaks[0].cause, overdue.breaks[0].since) == (Cause.STUCK, noon(70))


def test_a_put_off_deadline_may_meet_further_blind_times():
    dark = facts(started(), blind=(blind(65, 75), blind(50, 60), blind(55, 58)))

    assert fold(JOB, dark, noon(79)).state is State.UNKNOWN
    assert fold(JOB, dark, noon(80)).state is State.OVERDUE


def test_evidence_ends_the_doubt():
    dark = facts(started(), succeeded(65), blind=(blind(40, 50),))
    judgement = fold(JOB, dark, noon(66))

    assert (letters(judgement), judgement.state) == ("ACJK", State.PROVEN)
    assert (judgement.reason, judgement.lateness) == (Reason.CAUGHT_UP, None)


def test_while_we_are_still_blind_nothing_is_overdue():
    judgement = fold(JOB, facts(started(), blind=(blind(40, None),)), noon(10**4))

    assert (judgement.state, judgement.review_at) == (State.UNKNOWN, None)


def test_blindness_after_the_deadline_excuses_nothing():
    assert fold(JOB, facts(started(), blind=(blind(60, 90),)), noon(60)).state is State.OVERDUE


def test_a_run_with_a_comfort_but_no_steps_is_unproven_when_the_comfort_shone():
    spec = replace(JOB, comforts=(Comfort(name="file", claim="It exists", kind="file"),))
    judgement = fold(spec, facts(started(), piece("f", "file", 5)), noon(60))

    assert judgement.breaks[0].cause is Cause.UNPROVEN


def test_what_lies_ahead_is_not_known_yet():
    judgement = fold(JOB, facts(started(), succeeded(10)), noon(10) - INSTANT)

    assert (judgement.state, judgement.review_at) == (State.OPEN, noon(10))


def test_evidence_counts_from_when_we_had_it_if_the_sender_is_ahead_of_time():
    ahead = piece("s", "close", 20, outcome=Outcome.SUCCESS, received_at=noon(15))

    assert fold(JOB, facts(started(), ahead), noon(30)).since == noon(15)


@pytest.mark.parametrize(
    ("failures", "of", "outcomes", "opens"),
    [
        (1, 1, [True], True),
        (1, 1, [False, True], False),
        (2, 3, [True], False),
        (2, 3, [True, False, True], True),
        (2, 3, [True, False, False, True], False),
        (2, 3, [False, True, True], False),
        (1, 1, [], False),
    ],
)
def test_a_file_opens_when_enough_of_the_last_occurrences_are_broken(failures, of, outcomes, opens):
    spec = replace(JOB, open_after=Threshold(failures=failures, of=of))

    assert opens_file(spec, outcomes) is opens
