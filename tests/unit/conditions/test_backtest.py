"""Two specs over the same past: what the new one gains, what it loses, and when nothing differs."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from monitors.conditions.backtest import PastRun, backtest
from monitors.conditions.rules import Strength, Threshold
from monitors.conditions.values import Cause, RunFacts
from tests.unit.conditions.instants import DRILL, HOUR, facts, failed, minutes, noon, piece, started
from tests.unit.conditions.strategies import cases

KEPT = facts(
    started(),
    piece("upload", "upload", 5),
    piece("restore", "restore_check", 20, strength=Strength.RECEIPT),
)
QUIET = facts(started(), piece("upload", "upload", 5))


def past(*runs: RunFacts) -> list[PastRun]:
    return [
        PastRun(run_id=f"r{place}", facts=each, at=noon(600))
        for place, each in enumerate(runs, start=1)
    ]


def test_a_shorter_deadline_gains_what_came_too_late_for_it() -> None:
    found = backtest(DRILL, replace(DRILL, within=minutes(15)), past(KEPT, QUIET))

    (gained,) = found.gained
    assert (gained.run_id, gained.cause, gained.step) == ("r1", Cause.UNPROVEN, "restore")
    assert gained.since == noon(15)
    assert (found.lost, found.runs, found.unchanged) == ((), 2, 1)
    assert (found.broken_before, found.broken_now) == (1, 2)


def test_a_step_less_loses_what_only_it_had_found() -> None:
    found = backtest(DRILL, replace(DRILL, steps=DRILL.steps[:1]), past(KEPT, QUIET))

    (lost,) = found.lost
    assert (lost.run_id, lost.cause, lost.step) == ("r2", Cause.UNPROVEN, "restore")
    assert found.gained == ()
    assert found.broken_now == 0


def test_another_cause_of_the_same_run_is_both_gained_and_lost() -> None:
    without_steps = replace(DRILL, steps=())
    found = backtest(DRILL, without_steps, past(facts(started(), failed(5))))

    assert [(each.cause, each.step) for each in found.lost] == [(Cause.FAILED, "upload")]
    assert [(each.cause, each.step) for each in found.gained] == [(Cause.FAILED, "")]
    assert found.unchanged == 0


def test_a_break_that_opens_no_file_counts_for_nothing() -> None:
    """Two in a row of three: one break alone would tell nobody."""
    patient = replace(DRILL, open_after=Threshold(failures=2, of=3))

    alone = backtest(DRILL, patient, past(KEPT, QUIET, KEPT, KEPT))
    twice = backtest(DRILL, patient, past(KEPT, QUIET, KEPT, QUIET))

    assert [each.run_id for each in alone.lost] == ["r2"]
    assert (twice.lost, twice.gained, twice.broken_now) == ((), (), 2)


def test_no_run_is_no_difference() -> None:
    found = backtest(DRILL, replace(DRILL, within=HOUR * 2), [])

    assert (found.runs, found.unchanged, found.gained, found.lost) == (0, 0, (), ())


@given(st.lists(cases(), max_size=4))
def test_the_same_spec_gains_and_loses_nothing(drawn: list) -> None:
    for spec, _, _ in drawn:
        runs = [PastRun(run_id=str(n), facts=known, at=at) for n, (_, known, at) in enumerate(drawn)
                if (known.expected_at is not None) is bool(spec.schedules)]  # fmt: skip
        found = backtest(spec, spec, runs)
        assert (found.gained, found.lost) == ((), ())
        assert found.unchanged == found.runs == len(runs)
        assert found.broken_before == found.broken_now
