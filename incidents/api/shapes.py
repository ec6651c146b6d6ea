"""The shapes of incident files in the management API."""

from typing import Any

from rest_framework import serializers

from evidence.models import Unplaced
from incidents.lifecycle import State, Trigger
from incidents.models import AffectedRun, Attempt, Delivery, DeliveryState, Incident, Transition
from incidents.operations import NOTE_LENGTH
from incidents.sentences import headline
from luota.lib.shapes import Shape, choice_of, example
from monitors.api.standings import ComfortStandingShape, StepStandingShape
from monitors.conditions.values import Cause
from monitors.conditions.values import State as RunState
from monitors.models import Severity


@example(note="The entitlement job was renamed in the last deploy.")
class NoteShape(Shape):
    note = serializers.CharField(max_length=NOTE_LENGTH)

    def parsed(self) -> str:
        return str(self.validated_data["note"])


@example(note="I am on it.")
class RemarkShape(Shape):
    note = serializers.CharField(max_length=NOTE_LENGTH, allow_blank=True, default="")

    def parsed(self) -> str:
        return str(self.validated_data["note"])


class IncidentShape(serializers.Serializer[Any]):
    """One line of the list of files."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    sentence = serializers.CharField()
    monitorId = serializers.UUIDField()
    monitor = serializers.CharField()
    cause = choice_of(Cause)
    step = serializers.CharField(allow_blank=True)
    severity = serializers.ChoiceField([severity.name.lower() for severity in Severity])
    state = choice_of(State)
    openedAt = serializers.DateTimeField(help_text="When the promise broke.")
    recordedAt = serializers.DateTimeField(help_text="When Luota saw it.")
    acknowledgedAt = serializers.DateTimeField(allow_null=True)
    acknowledgedBy = serializers.CharField(allow_null=True)
    resolvedAt = serializers.DateTimeField(allow_null=True)
    resolution = serializers.CharField(allow_blank=True)
    reopenedCount = serializers.IntegerField()
    affectedCount = serializers.IntegerField()


class AffectedShape(serializers.Serializer[Any]):
    runId = serializers.UUIDField()
    key = serializers.CharField(allow_blank=True)
    occurrence = serializers.CharField(allow_blank=True)
    state = choice_of(RunState)
    brokenSince = serializers.DateTimeField()
    recoveredAt = serializers.DateTimeField(allow_null=True)


class TransitionShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    trigger = choice_of(Trigger)
    state = serializers.CharField()
    by = serializers.CharField(allow_null=True, help_text="null: Luota itself.")
    at = serializers.DateTimeField()
    recordedAt = serializers.DateTimeField()
    note = serializers.CharField(allow_blank=True)


class AttemptShape(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    startedAt = serializers.DateTimeField()
    endedAt = serializers.DateTimeField(allow_null=True)
    isAccepted = serializers.BooleanField(allow_null=True)
    answer = serializers.CharField(allow_blank=True)


class DeliveryShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    channel = serializers.CharField()
    notice = serializers.CharField()
    state = serializers.ChoiceField(DeliveryState.choices)
    reason = serializers.CharField(allow_blank=True)
    dueAt = serializers.DateTimeField()
    acceptedAt = serializers.DateTimeField(allow_null=True)
    attempts = AttemptShape(many=True)


class SentenceValuesShape(serializers.Serializer[Any]):
    """The numbers and instants in the sentence; those that its cause has."""

    lastSignalAt = serializers.DateTimeField(source="last_signal_at", required=False)
    freshAsOf = serializers.DateTimeField(source="fresh_as_of", required=False)
    limitSeconds = serializers.FloatField(source="limit_seconds", required=False)
    durationSeconds = serializers.FloatField(source="duration_seconds", required=False)
    latenessSeconds = serializers.FloatField(source="lateness_seconds", required=False)
    tookSeconds = serializers.FloatField(source="took_seconds", required=False)
    leastSeconds = serializers.FloatField(source="least_seconds", required=False)
    times = serializers.IntegerField(required=False)
    most = serializers.IntegerField(required=False)
    seconds = serializers.FloatField(required=False)
    mostSeconds = serializers.FloatField(source="most_seconds", required=False)
    source = serializers.CharField(required=False)  # type: ignore[assignment]  # a field, not where it is read from
    kind = serializers.CharField(required=False)
    waiting = serializers.IntegerField(required=False)
    total = serializers.IntegerField(required=False)
    usualWaiting = serializers.IntegerField(source="usual_waiting", required=False)
    usualTotal = serializers.IntegerField(source="usual_total", required=False)
    announced = serializers.IntegerField(required=False, help_text="Runs of a list without keys.")
    found = serializers.IntegerField(required=False, help_text="Those that started in its period.")


class QuotedRunShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    key = serializers.CharField(allow_blank=True)
    occurrence = serializers.CharField(allow_blank=True)
    openedAt = serializers.DateTimeField(source="opened_at", allow_null=True)
    expectedAt = serializers.DateTimeField(source="expected_at", allow_null=True)


class RetryShape(serializers.Serializer[Any]):
    """What the evidence says may be repeated, and where."""

    hint = serializers.CharField(allow_blank=True)
    attempts = serializers.IntegerField()
    externalIds = serializers.DictField(source="external_ids")
    deploySha = serializers.CharField(source="deploy_sha", allow_blank=True)
    host = serializers.CharField(allow_blank=True)


class LastGoodShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    occurrence = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()


class BlindShape(serializers.Serializer[Any]):
    """A stretch in which Luota could not see."""

    startsAt = serializers.DateTimeField(source="starts_at")
    endsAt = serializers.DateTimeField(source="ends_at", allow_null=True)


class LeftKindShape(serializers.Serializer[Any]):
    """How much of one kind found no run, and how much usually does not."""

    kind = serializers.CharField()
    waiting = serializers.IntegerField()
    total = serializers.IntegerField()
    usualWaiting = serializers.IntegerField(source="usual_waiting")
    usualTotal = serializers.IntegerField(source="usual_total")


class LeftPieceShape(serializers.Serializer[Any]):
    """One piece that found no run; see /v1/unplaced."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    reason = choice_of(Unplaced)
    why = serializers.CharField()
    receivedAt = serializers.DateTimeField(source="received_at")
    ids = serializers.DictField()
    summary = serializers.CharField(allow_blank=True)


class LeftShape(serializers.Serializer[Any]):
    """Of a file with the cause `unplaced`."""

    source = serializers.CharField()  # type: ignore[assignment]  # a field, not where it is read from
    kinds = LeftKindShape(many=True)
    examples = LeftPieceShape(many=True)
    advice = serializers.ListField(child=serializers.CharField())


class QuotedProbeShape(serializers.Serializer[Any]):
    """The probe that cannot look."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    way = serializers.CharField()
    kind = serializers.CharField(help_text="Of the evidence that it brings.")
    faultReason = serializers.CharField(source="obstacle")
    fault = serializers.CharField()
    failures = serializers.IntegerField(help_text="Looks in a row.")
    seenAt = serializers.DateTimeField(source="seen_at", allow_null=True)


class QuotedPullShape(serializers.Serializer[Any]):
    """The pull that brings no list: nothing is missed by it, and no half list was taken."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    way = serializers.CharField()
    window = serializers.CharField(help_text="The name of the list.")
    opensFrom = serializers.DateTimeField(source="opens_from", allow_null=True)
    opensUntil = serializers.DateTimeField(source="opens_until")
    isGivenUp = serializers.BooleanField(
        source="is_given_up", help_text="It was a scheduled list, and its time is over."
    )
    fault = serializers.CharField()
    failures = serializers.IntegerField(help_text="Tries in a row.")
    takenAt = serializers.DateTimeField(source="taken_at", allow_null=True)


class ReadValueShape(serializers.Serializer[Any]):
    """What a condition read."""

    path = serializers.CharField()
    value = serializers.CharField(help_text="As JSON, a long one cut.")


class QuoteShape(serializers.Serializer[Any]):
    """What the file quotes as it stood when it opened (incidents.payloads.quote_of).

    `payload`, `ids` and `externalIds` are the sender's: their names stay as they were sent.
    """

    sentenceValues = SentenceValuesShape(source="sentence_values", required=False)
    promise = serializers.CharField(required=False)
    owner = serializers.CharField(allow_blank=True, required=False)
    environment = serializers.CharField(required=False)
    runbookUrl = serializers.CharField(source="runbook_url", allow_blank=True, required=False)
    route = serializers.CharField(allow_null=True, required=False)
    steps = StepStandingShape(many=True, required=False)
    comforts = ComfortStandingShape(many=True, required=False)
    missing = serializers.ListField(child=serializers.CharField(), required=False)
    read = ReadValueShape(
        many=True, required=False, help_text="By the condition that says no, when the file opened."
    )
    payload = serializers.JSONField(allow_null=True, required=False)
    output = serializers.CharField(allow_blank=True, required=False)
    summary = serializers.CharField(allow_blank=True, required=False)
    exitCode = serializers.IntegerField(source="exit_code", allow_null=True, required=False)
    ids = serializers.DictField(required=False)
    deploySha = serializers.CharField(source="deploy_sha", allow_blank=True, required=False)
    host = serializers.CharField(allow_blank=True, required=False)
    tags = serializers.ListField(child=serializers.CharField(), required=False)
    run = QuotedRunShape(required=False)
    retry = RetryShape(required=False)
    lastGoodRun = LastGoodShape(source="last_good_run", allow_null=True, required=False)
    blind = BlindShape(many=True, required=False)
    unplaced = LeftShape(required=False)
    probe = QuotedProbeShape(required=False)
    pull = QuotedPullShape(required=False)


class FileShape(IncidentShape):
    """The whole file."""

    fingerprint = serializers.CharField(allow_blank=True)
    quote = QuoteShape()
    affectedRuns = AffectedShape(many=True)
    timeline = TransitionShape(many=True)
    deliveries = DeliveryShape(many=True)


def tell_incident(incident: Incident) -> dict[str, Any]:
    """Needs `monitor` and `acknowledged_by` selected."""
    seen_by = incident.acknowledged_by
    return {
        "id": incident.pk,
        "number": incident.number,
        "sentence": headline(incident),
        "monitorId": incident.monitor_id,
        "monitor": incident.monitor.name,
        "cause": incident.cause,
        "step": incident.step,
        "severity": Severity(incident.severity).name.lower(),
        "state": incident.state,
        "openedAt": incident.opened_at,
        "recordedAt": incident.recorded_at,
        "acknowledgedAt": incident.acknowledged_at,
        "acknowledgedBy": str(seen_by) if seen_by else None,
        "resolvedAt": incident.resolved_at,
        "resolution": incident.resolution,
        "reopenedCount": incident.reopened_count,
        "affectedCount": incident.affected_count,
    }


def tell_quote(incident: Incident) -> dict[str, Any]:
    return dict(QuoteShape(incident.quote).data)


def tell_affected(affected: AffectedRun) -> dict[str, Any]:
    run = affected.run
    return {
        "runId": run.pk,
        "key": run.key,
        "occurrence": run.occurrence,
        "state": run.state,
        "brokenSince": affected.broken_since,
        "recoveredAt": affected.recovered_at,
    }


def tell_transition(entry: Transition) -> dict[str, Any]:
    by = str(entry.actor) if entry.actor else entry.values.get("by")
    return {
        "id": entry.pk,
        "trigger": entry.trigger,
        "state": entry.new_state,
        "by": by,
        "at": entry.at,
        "recordedAt": entry.recorded_at,
        "note": entry.note,
    }


def tell_delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.pk,
        "channel": delivery.channel.name,
        "notice": delivery.notice,
        "state": delivery.state,
        "reason": delivery.reason,
        "dueAt": delivery.due_at,
        "acceptedAt": delivery.accepted_at,
        "attempts": [_tell_attempt(attempt) for attempt in delivery.attempts.all()],
    }


def _tell_attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "startedAt": attempt.started_at,
        "endedAt": attempt.ended_at,
        "isAccepted": attempt.is_accepted,
        "answer": attempt.answer,
    }
