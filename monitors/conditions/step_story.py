"""The steps of a run in its story: verdicts as evidence comes, deadlines as they pass."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from monitors.conditions.blindness import covers, moved, stretched
from monitors.conditions.expressions import World
from monitors.conditions.fingerprint import fingerprint, normalised
from monitors.conditions.needs import Need, first_unmet
from monitors.conditions.plan import plan_of
from monitors.conditions.rules import Spec
from monitors.conditions.story import FELL_DUE, OPENED, WARNED, WENT_BLIND, Story, Timer
from monitors.conditions.values import (
    Break,
    Cause,
    Evidence,
    Reason,
    RunFacts,
    State,
    StepStanding,
    Verdict,
    Window,
)

UNSETTLED = frozenset({State.EXPECTED, State.OPEN, State.AT_RISK})
IMPROVABLE = UNSETTLED | {State.OVERDUE}
_ALL_MET = {Verdict.MET}
_GOOD = frozenset({Verdict.MET, Verdict.HOLDING})
_UNSAID = object()


class StepStory(Story):
    """Letters B to H, as far as steps decide them.

    A step that says no before its deadline may still recover; at its deadline, or without one, it has
    failed. What must not happen fails at once. A condition that cannot be judged breaks no promise:
    it stands beside the path, and past its deadline the run is unknown. So is a run whose deadline
    passed while the probe that tells of a step could not look.
    """

    def __init__(self, spec: Spec, facts: RunFacts) -> None:
        super().__init__(spec, facts)
        self._plan = plan_of(spec)
        self.needs = self._plan.needs()
        self.late_from: datetime | None = None
        """The first deadline that passed with its step not met, whatever the state was."""
        self.succeeded_at: datetime | None = None
        self.is_withdrawn = False
        """A failing claim contradicts the proof: only new evidence brings it back."""
        self.is_excused = False
        """There was nothing to do: what is not met is not needed."""
        self._latest: dict[str, Evidence] = {}
        self._expected: dict[str, Any] = {}
        self._world = World(self._latest, self._expected, _run_of(facts))

    def standings(self) -> tuple[StepStanding, ...]:
        """One mark per step, in the order of the spec."""
        found = [need.standing() for need in self.needs]
        return tuple(map(_excused, found) if self.is_excused else found)

    def is_retried(self) -> bool:
        """Whether a proof now would be that of a later attempt."""
        return False

    def can_see(self) -> bool:
        """A condition that cannot be judged, or a probe that is blind, past its deadline, hides the rest."""
        return not any(
            (need.verdict is Verdict.BROKEN and need.is_late)
            or (need.is_unseen and not need.is_met)
            for need in self.needs
        )

    # ── evidence ───────────────────────────────────────────────────────────────────────────────
    def look(self, piece: Evidence) -> None:
        """One more piece: ask the steps that it concerns, then draw the conclusion."""
        self._latest[piece.kind] = piece
        if piece.kind in self.facts.unseen:
            self._see(piece.kind)
        changes_expected = self._learn(piece.expected) if piece.expected else False
        moved: set[Need] = set()
        is_fresh = False
        for need in self._concerned(piece, changes_expected=changes_expected):
            is_news = changes_expected or piece.kind in need.reads
            if is_news:
                need.take(piece)
                if changes_expected:
                    need.doubt()
            if is_news or not moved.isdisjoint(need.before):
                has_moved = self._judge(need, piece.at)
                if has_moved:
                    moved.add(need)
                is_fresh |= need.is_met and (has_moved or need.seen is piece)
        track = self.track
        if moved or is_fresh or track.is_blind or track.says is State.CONTRADICTED:
            self._conclude(piece.at, is_fresh=is_fresh)

    def _see(self, kind: str) -> None:
        """A probe that could not look looks again."""
        for need in self.needs:
            if kind in need.reads:
                need.is_unseen = False

    def _learn(self, says: Mapping[str, Any]) -> bool:
        """Whether it says something new of what is expected."""
        known = self._expected
        if all(known.get(name, _UNSAID) == value for name, value in says.items()):
            return False
        known.update(says)
        return True

    def _concerned(self, piece: Evidence, *, changes_expected: bool) -> list[Need]:
        """The steps that read its kind, and those that come after such.

        What is expected concerns every step of which something was seen.
        """
        if changes_expected:
            return [n for n in self.needs if n.seen or n.before or piece.kind in n.reads]
        return [self.needs[place] for place in self._plan.readers.get(piece.kind, ())]

    def _judge(self, need: Need, at: datetime) -> bool:
        has_moved = need.judge(self._world, at)
        if has_moved:
            self.track.touch()
            self._follow(need, at)
        return has_moved

    def _follow(self, need: Need, at: datetime) -> None:
        """What a new verdict sets going: the time a state must stay, deadlines that count from a proof."""
        stays_for = need.rule.stays_for
        if stays_for and need.verdict is Verdict.HOLDING and need.true_since == at:
            until = self._seen_through(need, at, at + stays_for)
            if until:
                self.schedule([(until, FELL_DUE, partial(self._stayed, need, at))])
        if need.step in self._plan.waits and need.met_at == at:
            self.schedule(self.deadlines(at, since=need.step))

    def _stayed(self, need: Need, since: datetime, at: datetime) -> None:
        """It was true all along."""
        if need.verdict is Verdict.HOLDING and need.true_since == since:
            self._meet(need, at)

    def _meet(self, need: Need, at: datetime) -> None:
        """Met by time alone: those that come after it are asked anew."""
        need.meet(at)
        self.track.touch()
        self._follow(need, at)
        for other in self.needs:
            if need in other.before:
                self._judge(other, at)
        self._conclude(at, is_fresh=self.track.says is not State.FAILED)

    # ── conclusions ────────────────────────────────────────────────────────────────────────────
    def _conclude(self, at: datetime, *, is_fresh: bool) -> None:
        verdicts = {need.verdict for need in self.needs}
        if Verdict.BROKEN in verdicts or self.track.beside:
            self._mind_conditions(at)
        is_excused = self.is_excused and Verdict.VIOLATED not in verdicts
        if is_excused or verdicts == _ALL_MET:
            self._prove(at, is_fresh=is_fresh)
        elif Verdict.VIOLATED in verdicts or self.late_from:
            self._doubt(at)

    def _doubt(self, at: datetime) -> None:
        """Some step says no, or had its time."""
        says = self.track.says
        violated = next((n for n in self.needs if n.verdict is Verdict.VIOLATED), None)
        if says is State.PROVEN and violated:
            broken = Break(cause=Cause.CONTRADICTED, since=at, step=violated.name_in_file)
            values = (("step", violated.step),)
            self.track.move("G", State.CONTRADICTED, at, Reason.PROOF_WITHDRAWN, values, broken)
        elif says in IMPROVABLE:
            self._give_up(at)

    def _give_up(self, at: datetime) -> None:
        """What can no longer recover, or had its time before anybody could judge it."""
        for need in self.needs:
            if need.is_unseen:
                continue
            is_over = not need.has_deadline or (need.due_at is not None and need.due_at <= at)
            if need.cannot_recover or (need.verdict is Verdict.VIOLATED and is_over):
                self._fail_step(need, at)
                return
            if need.is_late and need.verdict is Verdict.NOT_YET and self.track.says in UNSETTLED:
                self._miss(need, at)
                return

    def _fail_step(self, need: Need, at: datetime) -> None:
        if self.track.says not in IMPROVABLE or need.is_implicit:
            return
        mark = fingerprint(need.seen) if need.seen else ""
        broken = Break(cause=Cause.FAILED, since=at, step=need.name_in_file, fingerprint=mark)
        values = (("step", need.step),)
        self.track.move("F", State.FAILED, at, Reason.STEP_VIOLATED, values, broken)

    def _prove(self, at: datetime, *, is_fresh: bool) -> None:
        says = self.track.says
        if says is State.CONTRADICTED:
            if is_fresh or not self.is_withdrawn:
                self.is_withdrawn = False
                self.track.move("H", State.PROVEN, at, Reason.PROOF_RETURNED)
        elif is_fresh and says is not State.PROVEN:
            letter = "E" if says is State.FAILED else "B"
            is_retry = letter == "E" or self.is_retried()
            reason = Reason.RETRY_PROVED if is_retry else Reason.ALL_STEPS_MET
            if self.is_excused and first_unmet(self.needs):
                reason = Reason.NOTHING_TO_DO
            self.lateness = at - self.late_from if self.late_from else None
            self.track.move(letter, State.PROVEN, at, reason)
            self.track.end_beside(Cause.SLOW, at)

    def _mind_conditions(self, at: datetime) -> None:
        """The monitor's owner is told of a condition that cannot be judged; the customer's is not."""
        sick = next((need for need in self.needs if need.verdict is Verdict.BROKEN), None)
        if sick is None:
            self.track.end_beside(Cause.BROKEN, at)
        else:
            mark = normalised(sick.fault)
            self.track.go_beside(
                Break(cause=Cause.BROKEN, since=at, step=sick.name_in_file, fingerprint=mark)
            )

    # ── deadlines ──────────────────────────────────────────────────────────────────────────────
    def deadlines(self, anchor: datetime, *, since: str = "") -> Iterator[Timer]:
        """Of every step whose time begins with the run, or with the proof of this step."""
        blind = self.facts.blind
        for wait, places in self._plan.waits.get(since, ()):
            needs = [n for n in map(self.needs.__getitem__, places) if not n.is_met]
            warn_at = wait.warn_after and stretched(blind, anchor, anchor + wait.warn_after)
            if warn_at:
                yield warn_at, WARNED, partial(_each, self._warn, needs)
            plain = wait.ends_at(anchor)
            if plain:
                for alike in self._seen_alike(needs):
                    yield from self._deadline(alike, anchor, plain)

    def _deadline(self, needs: list[Need], anchor: datetime, plain: datetime) -> Iterator[Timer]:
        due_at = self._seen_through(needs[0], anchor, plain)
        yield anchor, OPENED, partial(self._await, needs, due_at or plain)
        if due_at != plain:
            yield plain, WENT_BLIND, partial(_each, self._lose_sight, needs)
        if due_at:
            yield due_at, FELL_DUE, partial(_each, self._fall_due, needs)

    def _seen_alike(self, needs: list[Need]) -> Sequence[list[Need]]:
        """Each alone when some probe was blind: other probes tell of other steps."""
        if self.facts.unseen:
            return [[need] for need in needs]
        return [needs] if needs else []

    def _seen_through(self, need: Need, anchor: datetime, plain: datetime) -> datetime | None:
        """The instant when time in which nobody could look does not count; None while that lasts."""
        due_at = stretched(self.facts.blind, anchor, plain)
        if due_at is None or not self.facts.unseen:
            return due_at
        return moved(self._unseen(need), anchor, due_at)

    def _unseen(self, need: Need) -> list[Window]:
        unseen = self.facts.unseen
        return [window for kind in need.reads & unseen.keys() for window in unseen[kind]]

    def _await(self, needs: Iterable[Need], due_at: datetime, _at: datetime) -> None:
        for need in needs:
            need.due_at, need.is_late = due_at, False
        self.track.touch()

    def _warn(self, need: Need, at: datetime) -> None:
        if need.verdict not in _GOOD and self.track.says is State.OPEN:
            values = (("step", need.step),)
            self.track.move("C", State.AT_RISK, at, Reason.WARN_AFTER_PASSED, values)

    def _lose_sight(self, need: Need, at: datetime) -> None:
        if need.verdict in _GOOD or self.track.says not in UNSETTLED:
            return
        if covers(self._unseen(need), at):
            need.is_unseen = True
            self.track.go_blind(at, Reason.PROBE_WAS_BLIND, (("step", need.step),))
        else:
            self.track.go_blind(at)

    def _fall_due(self, need: Need, at: datetime) -> None:
        if need.due_at != at or need.is_met:
            return
        if need.rule.absent and need.verdict is Verdict.HOLDING:
            self._meet(need, at)
        elif need.verdict is not Verdict.HOLDING:
            need.is_late, need.is_unseen = True, False
            self.late_from = self.late_from or at
            if self.track.says in UNSETTLED:
                self._miss(need, at)
        if self.can_see():
            self.track.see_again(at)

    def _miss(self, need: Need, at: datetime) -> None:
        """The deadline has passed, and the step is not met."""
        if need.verdict is Verdict.VIOLATED:
            self._fail_step(need, at)
        elif need.verdict is Verdict.BROKEN:
            self.track.go_blind(at, Reason.CONDITION_BROKEN, (("step", need.step),))
        else:
            self._overdue(need, at)

    def _overdue(self, need: Need, at: datetime) -> None:
        """Something green beside a missing proof is the classic; nothing at all is merely stuck."""
        is_green = self.lights or self.succeeded_at or any(each.met_by for each in self.needs)
        cause = Cause.UNPROVEN if is_green else Cause.STUCK
        reason = Reason.STEP_NOT_MET if is_green else Reason.NOTHING_NEW
        if need.is_met_in_part:
            cause, reason = Cause.PARTIAL, Reason.MEMBERS_MISSING
        broken = Break(cause=cause, since=at, step=need.name_in_file)
        self.track.move("D", State.OVERDUE, at, reason, (("step", need.step),), broken)


def _each(happen: Callable[[Need, datetime], None], needs: Iterable[Need], at: datetime) -> None:
    """What falls on one instant for many steps, in the order of the spec."""
    for need in needs:
        happen(need, at)


def _excused(standing: StepStanding) -> StepStanding:
    """Nobody waits for it: it has no deadline, and nothing of it is missing."""
    if standing.verdict not in {Verdict.NOT_YET, Verdict.HOLDING}:
        return standing
    return standing._replace(is_excused=True, missing=(), due_at=None)


def _run_of(facts: RunFacts) -> dict[str, str | datetime | None]:
    return {
        "key": facts.key,
        "occurrence": facts.occurrence,
        "environment": facts.environment,
        "opened_at": facts.opened_at,
    }
