"""The shapes of what is asked of rules and of the past in the management API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rest_framework import serializers

from incidents.explaining import Explanation
from incidents.holes import claim_of, hole_sentence
from incidents.mutating import Mutation
from luota.lib.shapes import Shape, choice_of, example
from monitors.api.shapes import rules_within
from monitors.api.standings import ComfortStandingShape, seconds, tell_mark
from monitors.conditions.backtest import Backtest, Finding
from monitors.conditions.mutation import Change, Mutant
from monitors.conditions.values import (
    Cause,
    Move,
    State,
    Verdict,
)
from monitors.conditions.why import Part, StepWhy, Witness
from monitors.ledger import Ledger

MOST_NAMED = 50
"""Gained or lost breaks, and holes, that are named; the counts say how many there are."""


@example(spec={"within": "30m", "steps": [{"name": "access", "kind": "entitlement"}]})
class RulesShape(Shape):
    spec = serializers.DictField(help_text="The rules, as a monitor is made with them.")

    def parsed(self) -> dict[str, Any]:
        return rules_within(self.validated_data["spec"])


@example(spec={"within": "30m", "steps": [{"name": "access", "kind": "entitlement"}]})
class PerhapsRulesShape(Shape):
    spec = serializers.DictField(
        required=False, help_text="Left out: the rules in force.", allow_null=True
    )

    def parsed(self) -> dict[str, Any] | None:
        spec = self.validated_data.get("spec")
        return None if spec is None else rules_within(spec)


class FindingShape(serializers.Serializer[Any]):
    runId = serializers.UUIDField()
    cause = choice_of(Cause)
    step = serializers.CharField(allow_blank=True, help_text="Empty: the run itself is meant.")
    since = serializers.DateTimeField()


class BacktestShape(serializers.Serializer[Any]):
    """How the two specs differ."""

    runs = serializers.IntegerField(help_text="Tried: the latest ones.")
    hasOlder = serializers.BooleanField(help_text="Older runs are kept that were not tried.")
    brokenBefore = serializers.IntegerField(help_text="By the rules in force.")
    brokenNow = serializers.IntegerField(help_text="By the rules that were sent.")
    unchanged = serializers.IntegerField(help_text="Runs of which both say the same.")
    gainedCount = serializers.IntegerField()
    lostCount = serializers.IntegerField()
    gained = FindingShape(many=True, help_text="Breaks that only the new rules find: 50 at most.")
    lost = FindingShape(many=True, help_text="Breaks that only the old rules find: 50 at most.")


class HoleShape(serializers.Serializer[Any]):
    sentence = serializers.CharField()
    change = choice_of(Change)
    kind = serializers.CharField()
    evidenceId = serializers.UUIDField(allow_null=True)
    among = serializers.IntegerField(help_text="Pieces of its kind: others may stand in for it.")
    path = serializers.CharField(allow_blank=True)
    old = serializers.JSONField(allow_null=True)
    new = serializers.JSONField(allow_null=True)
    member = serializers.CharField(allow_blank=True)


class MutationShape(serializers.Serializer[Any]):
    """What would have been noticed of a proven run."""

    runId = serializers.UUIDField()
    tried = serializers.IntegerField()
    noticed = serializers.IntegerField()
    score = serializers.FloatField(help_text="noticed / tried, from 0 to 1.")
    untried = serializers.IntegerField(help_text="Further ways that would have taken too long.")
    unnoticed = HoleShape(many=True, help_text="50 at most.")


class LedgerLineShape(serializers.Serializer[Any]):
    comfort = serializers.CharField()
    claim = serializers.CharField(allow_blank=True)
    green = serializers.IntegerField()
    failures = serializers.IntegerField()


class LedgerShape(serializers.Serializer[Any]):
    """Green lights among the runs that were ever broken."""

    failures = serializers.IntegerField()
    comforts = LedgerLineShape(many=True)


class SeenValueShape(serializers.Serializer[Any]):
    path = serializers.CharField()
    isMissing = serializers.BooleanField()
    value = serializers.JSONField(allow_null=True)


class WitnessShape(serializers.Serializer[Any]):
    evidenceId = serializers.UUIDField()
    part = choice_of(Part)
    kind = serializers.CharField()
    occurredAt = serializers.DateTimeField()
    receivedAt = serializers.DateTimeField()
    strength = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment] # a field of ours, not DRF's option
    member = serializers.CharField(allow_blank=True, help_text="Of a batch, whom it is about.")


class StepWhyShape(serializers.Serializer[Any]):
    step = serializers.CharField()
    claim = serializers.CharField()
    verdict = choice_of(Verdict)
    at = serializers.DateTimeField(allow_null=True)
    dueAt = serializers.DateTimeField(allow_null=True)
    missing = serializers.ListField(child=serializers.CharField())
    fault = serializers.CharField(allow_blank=True)
    excused = serializers.BooleanField(help_text="Not met and not needed: nothing was to do.")
    check = serializers.CharField(allow_blank=True)
    met = serializers.IntegerField(allow_null=True, help_text="Members of a batch that met it.")
    wanted = serializers.IntegerField(allow_null=True)
    seen = SeenValueShape(many=True)
    seenOf = serializers.CharField(
        allow_blank=True, help_text="Of a batch, the member whose values are seen."
    )
    evidence = WitnessShape(many=True)


class MoveShape(serializers.Serializer[Any]):
    letter = serializers.CharField()
    oldState = serializers.CharField()
    newState = serializers.CharField()
    at = serializers.DateTimeField()
    toldAt = serializers.DateTimeField(
        help_text="When it could first be known: the instant to ask about it."
    )
    reason = serializers.CharField()
    values = serializers.DictField()


class WhyShape(serializers.Serializer[Any]):
    """The tree from the state of a run down to its evidence."""

    runId = serializers.UUIDField()
    at = serializers.DateTimeField()
    state = choice_of(State)
    since = serializers.DateTimeField(allow_null=True)
    latenessSeconds = serializers.FloatField(
        allow_null=True, help_text="How long after its deadline the run was proven."
    )
    path = MoveShape(many=True, help_text="The last one led to the state.")
    steps = StepWhyShape(many=True)
    comforts = ComfortStandingShape(many=True)
    known = serializers.IntegerField(help_text="Pieces of evidence received by then.")
    cameLater = serializers.IntegerField()


def tell_backtest(found: Backtest) -> dict[str, Any]:
    return {
        "runs": found.runs,
        "hasOlder": found.has_older,
        "brokenBefore": found.broken_before,
        "brokenNow": found.broken_now,
        "unchanged": found.unchanged,
        "gainedCount": len(found.gained),
        "lostCount": len(found.lost),
        "gained": _tell_findings(found.gained),
        "lost": _tell_findings(found.lost),
    }


def _tell_findings(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [
        {"runId": each.run_id, "cause": each.cause, "step": each.step, "since": each.since}
        for each in findings[:MOST_NAMED]
    ]


def tell_mutation(found: Mutation) -> dict[str, Any]:
    score = found.score
    return {
        "runId": found.run.pk,
        "tried": score.tried,
        "noticed": score.noticed,
        "score": round(score.noticed / score.tried, 4) if score.tried else 1.0,
        "untried": score.untried,
        "unnoticed": [_tell_hole(each) for each in score.unnoticed[:MOST_NAMED]],
    }


def _tell_hole(hole: Mutant) -> dict[str, Any]:
    return {
        "sentence": hole_sentence(hole),
        "change": hole.change,
        "kind": hole.kind,
        "evidenceId": hole.evidence_id or None,
        "among": hole.among,
        "path": hole.path,
        "old": hole.old,
        "new": hole.new,
        "member": hole.member,
    }


def tell_ledger(ledger: Ledger) -> dict[str, Any]:
    lines = [
        {
            "comfort": each.comfort,
            "claim": each.claim,
            "green": each.green,
            "failures": each.failures,
        }
        for each in ledger.lines
    ]
    return {"failures": ledger.failures, "comforts": lines}


def tell_why(found: Explanation) -> dict[str, Any]:
    why, judgement = found.why, found.why.judgement
    return {
        "at": why.at,
        "state": judgement.state,
        "since": judgement.since,
        "latenessSeconds": seconds(judgement.lateness),
        "path": [_tell_move(*each) for each in why.letters],
        "steps": [_tell_step(each) for each in why.steps],
        "comforts": [tell_mark(each) for each in found.comforts],
        "known": why.known,
        "cameLater": why.came_later,
    }


def _tell_move(move: Move, told_at: datetime) -> dict[str, Any]:
    return {
        "letter": move.letter,
        "oldState": move.old,
        "newState": move.new,
        "at": move.at,
        "toldAt": told_at,
        "reason": move.reason,
        "values": dict(move.values),
    }


def _tell_step(step: StepWhy) -> dict[str, Any]:
    standing = step.standing
    met, wanted = standing.members or (None, None)
    return {
        "step": standing.step,
        "claim": claim_of(step),
        "verdict": standing.verdict,
        "at": standing.at,
        "dueAt": standing.due_at,
        "missing": list(standing.missing),
        "fault": standing.fault,
        "excused": standing.is_excused,
        "check": step.rule.check if step.rule else "",
        "met": met,
        "wanted": wanted,
        "seen": [
            {"path": each.path, "isMissing": each.is_missing, "value": each.value}
            for each in step.seen
        ],
        "seenOf": step.member,
        "evidence": [_tell_witness(each) for each in step.witnesses],
    }


def _tell_witness(witness: Witness) -> dict[str, Any]:
    piece = witness.piece
    return {
        "evidenceId": piece.id,
        "part": witness.part,
        "kind": piece.kind,
        "occurredAt": piece.occurred_at,
        "receivedAt": piece.received_at,
        "strength": piece.strength.name.lower(),
        "source": piece.source,
        "member": piece.member,
    }
