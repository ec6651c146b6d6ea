"""Pictures as numbers: where each bar and dot of a server-drawn SVG stands. Positions are percentages."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import log1p

from evidence.models import BlindWindow, Evidence
from monitors.conditions.rules import Strength
from monitors.conditions.values import BROKEN_STATES, Outcome, State
from monitors.models import Run

MOST_BARS = 60
TALLEST, SHORTEST = 56.0, 12.0
_BROKEN = {state.value for state in BROKEN_STATES}
_HOLLOW = {State.EXPECTED.value, State.OPEN.value, State.UNKNOWN.value}
_LOWEST_DOT, _HIGHEST_DOT, _DOT = 73, 13, 12
_TOUCHING = 1.6
"""Dots nearer than this (percent of the width) stand on each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One run or beat."""

    x: float
    width: float
    height: float
    state: str
    at: datetime | None
    duration: timedelta | None
    run: Run | None = None

    @property
    def y(self) -> float:
        return round(TALLEST + 4 - self.height, 1)

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def is_broken(self) -> bool:
        return self.state in _BROKEN

    @property
    def is_hollow(self) -> bool:
        return self.state in _HOLLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of bars, oldest first, and what it says in words."""

    bars: Sequence[Bar]
    starts_at: datetime | None
    ends_at: datetime | None
    broken: int
    limit: timedelta | None = None
    """How high a bar may be: the allowed age; None where nothing limits it."""

    @property
    def limit_y(self) -> float | None:
        """Where the limit is drawn: the height of a bar that is exactly so old."""
        return round(TALLEST + 4 - _share_height(1.0), 1) if self.limit else None

    @property
    def limit_height(self) -> float:
        return _share_height(1.0)

    @property
    def count(self) -> int:
        return len(self.bars)

    @property
    def start_x(self) -> float | None:
        """Where the first instant is written; nowhere when it would run into the last on a phone."""
        return self.bars[0].x if self.bars and self.bars[0].x < 44 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sign:
    state: str
    at: datetime | None
    duration: timedelta | None
    run: Run | None = None


def row_of_runs(runs: Iterable[Run]) -> Row:
    """Runs newest first; taller is longer, broken ones are full height."""
    return _row(
        [
            _Sign(state=run.state, at=_began(run), duration=run.duration, run=run)
            for run in reversed(list(runs))
        ]
    )


def row_of_beats(beats: Sequence[Evidence], missed: Iterable[Run]) -> Row:
    """Beats oldest first and the slots that stayed silent; taller is a longer wait before the beat."""
    signs = []
    before: datetime | None = None
    for beat in beats:
        waited = beat.occurred_at - before if before else None
        signs.append(_Sign(state="beat", at=beat.occurred_at, duration=waited))
        before = beat.occurred_at
    silent = [
        _Sign(state=run.state, at=_began(run), duration=None, run=run)
        for run in missed
        if run.state != State.PROVEN.value
    ]
    both = sorted([*signs, *silent], key=lambda sign: sign.at.timestamp() if sign.at else 0)
    return _row(both[-MOST_BARS:])


def row_of_ages(beats: Sequence[Evidence], max_age: timedelta | None) -> Row:
    """How old the content was at each signal; full height and broken is older than it may be."""
    ages = [
        _Sign(
            state=State.OVERDUE.value if max_age and age > max_age else "beat",
            at=each.occurred_at,
            duration=age,
        )
        for each in beats
        if each.fresh_as_of
        for age in [max(each.occurred_at - each.fresh_as_of, timedelta(0))]
    ]
    return _row(ages[-MOST_BARS:], full=max_age)


def _began(run: Run) -> datetime | None:
    return run.opened_at or run.expected_at or run.created_at


def _row(signs: Sequence[_Sign], *, full: timedelta | None = None) -> Row:
    """`full` is the duration of the tallest bar; without one it is the longest of these."""
    width = 100 / MOST_BARS
    offset = 100 - width * len(signs)
    lengths = (full,) if full else (sign.duration for sign in signs if sign.duration)
    longest = max((length.total_seconds() for length in lengths), default=0.0)
    bars = [
        Bar(
            x=round(offset + width * index, 3),
            width=round(width * 0.68, 3),
            height=_height(sign, longest),
            state=sign.state,
            at=sign.at,
            duration=sign.duration,
            run=sign.run,
        )
        for index, sign in enumerate(signs)
    ]
    return Row(
        bars=bars,
        starts_at=signs[0].at if signs else None,
        ends_at=signs[-1].at if signs else None,
        broken=sum(bar.is_broken for bar in bars),
        limit=full,
    )


def _height(sign: _Sign, longest: float) -> float:
    if sign.state in _BROKEN:
        return TALLEST
    if sign.duration is None or longest <= 0:
        return (SHORTEST + TALLEST) / 2
    share = min(1.0, log1p(sign.duration.total_seconds()) / log1p(longest))
    return _share_height(share)


def _share_height(share: float) -> float:
    """Of what is not broken: even the longest stays below a broken one."""
    return round(SHORTEST + (TALLEST - SHORTEST) * 0.82 * share, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """One piece of evidence on the line of time."""

    x: float
    y: int
    evidence: Evidence
    role: str

    @property
    def is_hollow(self) -> bool:
        """Only somebody's own word."""
        return bool(self.evidence.strength == Strength.CLAIM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A run as a line of time: evidence by strength, the deadline, what was late, where we were blind."""

    starts_at: datetime
    ends_at: datetime
    dots: Sequence[Dot]
    deadline: float | None
    deadline_at: datetime | None
    now: float | None
    blind: Sequence[tuple[float, float]] = field(default_factory=tuple)

    @property
    def late_width(self) -> float:
        end = 100.0 if self.now is None else self.now
        return round(max(0.0, end - self.deadline), 2) if self.deadline is not None else 0.0

    @property
    def deadline_is_right(self) -> bool:
        """Its word stands to the left of the line."""
        return self.deadline is not None and self.deadline > 70


def timeline_of(
    run: Run, evidence: Sequence[Evidence], *, now: datetime, blind: Sequence[BlindWindow] = ()
) -> Line | None:
    """None when nothing of the run has a time."""
    due_at = deadline_of(run)
    is_over = run.state in {State.PROVEN.value, State.WAIVED.value, State.SUPERSEDED.value}
    instants = [each.occurred_at for each in evidence]
    instants += [at for at in (run.opened_at, run.expected_at, due_at) if at]
    if not instants:
        return None
    if not is_over and max(instants) < now:
        # A run that has been broken for a week must not press its evidence into one point.
        span = max(instants) - min(instants)
        instants.append(min(now, max(instants) + max(span / 2, timedelta(minutes=1))))
    start, end = min(instants), max(instants)
    span = max(end - start, timedelta(seconds=1))

    def place(at: datetime) -> float:
        return round(2 + 96 * min(1.0, max(0.0, (at - start) / span)), 2)

    return Line(
        starts_at=start,
        ends_at=end,
        dots=_dots(run, evidence, place),
        deadline=place(due_at) if due_at else None,
        deadline_at=due_at,
        now=place(now) if start <= now <= end else None,
        blind=[
            (place(w.starts_at), round(place(w.ends_at) - place(w.starts_at), 2)) for w in blind
        ],
    )


def _dots(run: Run, evidence: Sequence[Evidence], place: Callable[[datetime], float]) -> list[Dot]:
    """In the order of time; those that would cover each other are stacked."""
    roles = roles_in(run)
    dots: list[Dot] = []
    for each in sorted(evidence, key=lambda one: one.occurred_at):
        x = place(each.occurred_at)
        is_touching = bool(dots) and x - dots[-1].x < _TOUCHING
        y = max(_HIGHEST_DOT, dots[-1].y - _DOT) if is_touching else _LOWEST_DOT
        dots.append(Dot(x=x, y=y, evidence=each, role=role_of(each, roles)))
    return dots


def roles_in(run: Run) -> dict[str, str]:
    """What each piece of evidence is to the judgement, by its id: it met a step, or only looked healthy."""
    comforts = {each.get("evidence_id"): "comfort" for each in run.standing.get("comforts") or []}
    steps = {
        each.get("evidence_id"): each.get("verdict", "") for each in run.standing.get("steps") or []
    }
    return {str(key): role for key, role in {**comforts, **steps}.items() if key}


def role_of(evidence: Evidence, roles: Mapping[str, str]) -> str:
    if evidence.outcome == Outcome.FAIL.value:
        return "failed"
    return roles.get(str(evidence.pk), "noted")


def deadline_of(run: Run) -> datetime | None:
    """The one that passed or is next: of the first step that was not met in time, else the run's."""
    steps = run.standing.get("steps") or []
    due = [str(step["due_at"]) for step in steps if step.get("due_at")]
    return datetime.fromisoformat(min(due)) if due else run.next_deadline_at
