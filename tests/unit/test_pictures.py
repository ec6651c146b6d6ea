"""Where bars and dots stand: pictures are numbers before they are drawn."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from evidence.models import Evidence
from evidence.pictures import (
    MOST_BARS,
    TALLEST,
    row_of_ages,
    row_of_beats,
    row_of_runs,
    timeline_of,
)
from monitors.conditions.rules import Strength
from monitors.conditions.values import State
from monitors.models import Run

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def run(state: State, *, at: datetime = NOON, **fields: object) -> Run:
    return Run(state=state.value, opened_at=at, created_at=at, **fields)


def piece(minute: float, *, key: int = 1, strength: Strength = Strength.CLAIM) -> Evidence:
    at = NOON + minute * MINUTE
    return Evidence(id=UUID(int=key), kind="x", strength=strength.value, occurred_at=at)


def test_the_newest_run_stands_at_the_right_end() -> None:
    newest, oldest = run(State.FAILED, at=NOON + MINUTE), run(State.PROVEN)

    row = row_of_runs([newest, oldest])

    assert [bar.state for bar in row.bars] == ["proven", "failed"]
    assert round(row.bars[-1].x + 100 / MOST_BARS, 2) == 100
    assert row.broken == 1


def test_a_broken_run_has_full_height_and_a_longer_one_is_taller() -> None:
    long, short = run(State.PROVEN, duration=9 * MINUTE), run(State.PROVEN, duration=MINUTE)

    bars = row_of_runs([run(State.OVERDUE), long, short]).bars

    assert bars[0].height < bars[1].height < bars[2].height == TALLEST


def test_a_silent_slot_stands_between_the_beats_around_it() -> None:
    silent = Run(state=State.OVERDUE.value, expected_at=NOON + 5 * MINUTE, created_at=NOON)

    row = row_of_beats([piece(0), piece(10)], [silent])

    assert [bar.state for bar in row.bars] == ["beat", "overdue", "beat"]


def test_content_that_is_as_old_as_it_may_be_reaches_the_limit() -> None:
    old = piece(60)
    old.fresh_as_of = NOON

    row = row_of_ages([old], 60 * MINUTE)

    assert row.bars[0].y == row.limit_y
    assert row_of_ages([old], None).limit_y is None


def test_content_older_than_it_may_be_is_drawn_as_broken() -> None:
    fresh, old = piece(1), piece(2)
    fresh.fresh_as_of, old.fresh_as_of = NOON, NOON - 60 * MINUTE

    row = row_of_ages([fresh, old], timedelta(minutes=30))

    assert [bar.is_broken for bar in row.bars] == [False, True]


def test_dots_that_would_cover_each_other_are_stacked() -> None:
    line = timeline_of(
        run(State.OPEN),
        [piece(0, key=1), piece(0, key=2), piece(30, key=3)],
        now=NOON + 60 * MINUTE,
    )

    assert line
    lower, upper, later = line.dots
    assert upper.y < lower.y
    assert later.y == lower.y


def test_what_evidence_is_to_the_judgement_is_said_by_its_dot() -> None:
    standing = {
        "steps": [{"evidence_id": str(UUID(int=1)), "verdict": "met"}],
        "comforts": [{"evidence_id": str(UUID(int=2)), "at": NOON.isoformat()}],
    }
    pieces = [piece(0, key=1, strength=Strength.RECEIPT), piece(5, key=2), piece(9, key=3)]

    line = timeline_of(run(State.OPEN, standing=standing), pieces, now=NOON + 10 * MINUTE)

    assert line
    assert [(dot.role, dot.is_hollow) for dot in line.dots] == [
        ("met", False),
        ("comfort", True),
        ("noted", True),
    ]


def test_a_run_broken_long_ago_does_not_press_its_evidence_into_one_point() -> None:
    pieces = [piece(0, key=1), piece(10, key=2)]

    line = timeline_of(run(State.OVERDUE), pieces, now=NOON + timedelta(days=9))

    assert line
    assert line.dots[1].x > 50


def test_a_run_without_any_instant_has_no_line() -> None:
    assert timeline_of(Run(state=State.OPEN.value), [], now=NOON) is None
