"""The four truths of a run, side by side: what provider, queue, customer and operator say. PURE.

They are made of what is stored and of nothing else: a side that has not been heard says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from evidence.models import Evidence
from incidents.lifecycle import State as IncidentState
from incidents.models import Delivery, DeliveryState, Incident
from luota.portal.glyphs import CLOSINGS, unknown_because
from luota.portal.queries import Told
from monitors.conditions.rules import CLOSE, Strength
from monitors.conditions.values import (
    BROKEN_STATES,
    Outcome,
    Reason,
    State,
    Verdict,
)
from monitors.models import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One side: a mark, what it says, when, and what that is worth."""

    who: str
    mark: str
    says: str
    worth: str
    at: datetime | None = None


def truths_of(run: Run, evidence: Sequence[Evidence], told: Told) -> tuple[Truth, ...]:
    return (
        _provider(evidence),
        _queue(run, evidence),
        _customer(run),
        _operator(run, told),
    )


def _provider(evidence: Sequence[Evidence]) -> Truth:
    """Counterparties speak by receipts and signatures; what our own worker says of them is a claim."""
    heard = [each for each in evidence if each.strength >= Strength.RECEIPT]
    if not heard:
        return Truth(
            who="Provider",
            mark="dark",
            says="Not heard",
            worth="No receipt, observation or signature of a counterparty has come.",
        )
    last = heard[-1]
    name = Strength(last.strength).name.lower()
    return Truth(
        who="Provider",
        mark="failed" if last.outcome == Outcome.FAIL.value else "comfort",
        says=f"{last.kind}, by {name}",
        worth="What the other side says; it is not yet what the customer sees.",
        at=last.occurred_at,
    )


_OUTCOMES = {Outcome.NOTHING.value: "nothing to do"}


def _queue(run: Run, evidence: Sequence[Evidence]) -> Truth:
    """The caller's own word: its last closing claim, else its green signals."""
    closed = [each for each in evidence if each.kind == CLOSE and each.outcome]
    worth = "The worker's own word. It proves nothing to the customer."
    if closed:
        last = closed[-1]
        has_failed = last.outcome == Outcome.FAIL.value
        code = f", exit code {last.exit_code}" if last.exit_code is not None else ""
        return Truth(
            who="Queue",
            mark="failed" if has_failed else "comfort",
            says=f"Reported {_OUTCOMES.get(last.outcome, last.outcome)}{code}",
            worth=worth,
            at=last.occurred_at,
        )
    green = [each for each in run.standing.get("comforts") or [] if each.get("at")]
    if green:
        return Truth(
            who="Queue",
            mark="comfort",
            says=f"{green[-1].get('claim') or green[-1].get('comfort')}",
            worth=worth,
            at=datetime.fromisoformat(green[-1]["at"]),
        )
    if evidence:
        return Truth(
            who="Queue",
            mark="open",
            says="Working, not closed",
            worth="It was heard and has not said how it ended.",
            at=evidence[-1].occurred_at,
        )
    return Truth(
        who="Queue", mark="dark", says="Not heard", worth="No signal of this run is stored."
    )


def _customer(run: Run) -> Truth:
    """Only the judgement speaks for the customer."""
    state = State(run.state)
    steps = run.standing.get("steps") or []
    met = sum(step.get("verdict") == Verdict.MET.value for step in steps)
    count = f"{met} of {len(steps)} steps proven." if steps else ""
    if state is State.PROVEN and run.reason == Reason.NOTHING_TO_DO:
        says, worth = (
            "Had nothing coming",
            "There was nothing to do, within the bounds of the rules.",
        )
    elif state is State.PROVEN:
        says, worth = "Has the promised state", count or "Proven by evidence."
    elif state in BROKEN_STATES:
        says, worth = "Does not have it", count or "The promise is broken."
    elif state is State.UNKNOWN:
        why = unknown_because(str(run.reason))
        says, worth = "Unknown", f"{why[0].upper()}{why[1:]}."
    elif state in {State.WAIVED, State.SUPERSEDED}:
        says, worth = state.value.capitalize(), "Nobody asks for a proof any more."
    else:
        says, worth = "Not proven yet", count or "The deadline is ahead."
    return Truth(who="Customer", mark=run.state, says=says, worth=worth, at=run.state_since)


def _operator(run: Run, told: Told) -> Truth:
    """What people know, and how sure we are that they do."""
    if run.waived_at:
        return _operates("waived", "Waived it", run.waive_reason, run.waived_at)
    if told.incident is None:
        if State(run.state) in BROKEN_STATES:
            return _operates("overdue", "Has not been told", "No file is open.")
        return _operates("dark", "Has not been told", "There was nothing to tell.")
    return _handled(told.incident) or _told(told.incident, told.delivery)


def _handled(incident: Incident) -> Truth | None:
    """What somebody did with the file; None if nobody did anything yet."""
    if incident.state == IncidentState.RESOLVED.value:
        worth = f"The file was closed: {CLOSINGS.get(incident.resolution, incident.resolution)}."
        return _operates("resolved", f"Closed #{incident.number}", worth, incident.resolved_at)
    if incident.acknowledged_at:
        says = f"{incident.acknowledged_by or 'A token'} has seen #{incident.number}"
        worth = "A person acknowledged the file."
        return _operates("acknowledged", says, worth, incident.acknowledged_at)
    return None


def _told(incident: Incident, notice: Delivery | None) -> Truth:
    if notice and notice.state == DeliveryState.ACCEPTED.value:
        worth = f"{notice.channel} accepted the notice; nobody has said that it was read."
        return _operates("open", f"Was told of #{incident.number}", worth, notice.accepted_at)
    worth = "No notice has been accepted so far."
    return _operates("overdue", f"May not know of #{incident.number}", worth, incident.opened_at)


def _operates(mark: str, says: str, worth: str, at: datetime | None = None) -> Truth:
    return Truth(who="Operator", mark=mark, says=says, worth=worth, at=at)
