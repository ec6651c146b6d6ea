"""The shapes of receivers in the management API, both ways. Secrets only come in."""

from dataclasses import dataclass, field
from typing import Any

from rest_framework import serializers

from evidence.receiver_changes import LONGEST_SECRET, ReceiverDraft, hints_of
from evidence.receiver_models import Receiver, RefusedDelivery
from evidence.receivers.catalogue import VENDORS
from evidence.receivers.contract import Cause
from luota.lib.shapes import ChoiceField, Shape, example

_CHOICES = [(vendor.name, vendor.label) for vendor in VENDORS.values()]
_CAUSES = [(cause.value, cause.value) for cause in Cause]


@example(vendor="stripe", name="Stripe, live")
class ReceiverInputShape(Shape):
    vendor = ChoiceField(_CHOICES)
    name = serializers.CharField(max_length=120)
    secret = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=LONGEST_SECRET,
        help_text="The vendor's. Left out, Luota makes one where the vendor takes ours; else add it later.",
    )
    settings = serializers.DictField(
        default=dict,
        help_text="generic_hmac, cloudevents: how the sender signs. ses: topic_arn. Others have none.",
    )
    monitorId = serializers.UUIDField(
        allow_null=True,
        default=None,
        help_text="The only monitor that it speaks of; null: deliveries are placed by their ids.",
    )

    def parsed(self) -> ReceiverDraft:
        words = self.validated_data
        return ReceiverDraft(
            vendor=words["vendor"],
            name=words["name"],
            secret=words["secret"].strip(),
            settings=words["settings"],
            monitor_id=words["monitorId"],
        )


@example(name="Stripe, test mode", disabled=True)
class ReceiverChangesShape(Shape):
    """What is left out stays as it is."""

    name = serializers.CharField(max_length=120, required=False)
    settings = serializers.DictField(required=False)
    monitorId = serializers.UUIDField(allow_null=True, required=False)
    disabled = serializers.BooleanField(required=False)

    def parsed(self) -> dict[str, Any]:
        words = dict(self.validated_data)
        if "monitorId" in words:
            words["monitor_id"] = words.pop("monitorId")
        return words


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecret:
    secret: str = field(repr=False)


@example(secret="whsec_put_yours_here")  # noqa: S106 - none
class ReceiverSecretInputShape(Shape):
    secret = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=LONGEST_SECRET,
        help_text="Left out, Luota makes one where the vendor takes ours.",
    )

    def parsed(self) -> NewSecret:
        return NewSecret(secret=self.validated_data["secret"].strip())


class SecretHintShape(serializers.Serializer[Any]):
    id = serializers.CharField()
    lastFour = serializers.CharField(allow_blank=True)
    publicKey = serializers.CharField(
        allow_null=True, help_text="The whole of it when it is a public key; null of secrets."
    )
    addedAt = serializers.DateTimeField()


class ReceiverShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    vendor = serializers.CharField()
    name = serializers.CharField()
    address = serializers.CharField(help_text="Where the vendor is to deliver.")
    secrets = SecretHintShape(many=True)
    settings = serializers.DictField()
    monitorId = serializers.UUIDField(allow_null=True)
    createdAt = serializers.DateTimeField()
    disabledAt = serializers.DateTimeField(allow_null=True)
    confirmedAt = serializers.DateTimeField(allow_null=True)
    lastDeliveryAt = serializers.DateTimeField(allow_null=True)


class NewReceiverShape(ReceiverShape):
    secret = serializers.CharField(
        allow_null=True, help_text="What Luota made; shown this once. null when it was given."
    )


class RefusedDeliveryShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    receivedAt = serializers.DateTimeField()
    cause = serializers.ChoiceField(
        _CAUSES, help_text="repeated: all of it was taken before, and nothing is stored again."
    )
    answer = serializers.IntegerField(
        help_text="The status that was answered; 200 of a repetition, as senders try again."
    )
    detail = serializers.CharField()
    repeats = serializers.UUIDField(
        allow_null=True,
        help_text="Of a repetition: the evidence, or what waits unplaced, that it brought again.",
    )
    times = serializers.IntegerField(
        help_text="How often the same was repeated; all else tells of the last time."
    )
    sizeBytes = serializers.IntegerField()
    digest = serializers.CharField(help_text="SHA-256 of the body, which is not kept.")
    requestId = serializers.UUIDField(allow_null=True)


def tell_receiver(receiver: Receiver) -> dict[str, Any]:
    return {
        "id": receiver.pk,
        "vendor": receiver.vendor,
        "name": receiver.name,
        "address": receiver.address,
        "secrets": [
            {
                "id": hint.id,
                "lastFour": hint.last_four,
                "publicKey": hint.public_key or None,
                "addedAt": hint.added_at,
            }
            for hint in hints_of(receiver)
        ],
        "settings": receiver.settings,
        "monitorId": receiver.monitor_id,
        "createdAt": receiver.created_at,
        "disabledAt": receiver.disabled_at,
        "confirmedAt": receiver.confirmed_at,
        "lastDeliveryAt": receiver.last_delivery_at,
    }


def tell_refused(refused: RefusedDelivery) -> dict[str, Any]:
    return {
        "id": refused.pk,
        "receivedAt": refused.received_at,
        "cause": refused.cause,
        "answer": refused.answer,
        "repeats": refused.repeats_id,
        "times": refused.times,
        "detail": refused.detail,
        "sizeBytes": refused.size,
        "digest": bytes(refused.digest).hex(),
        "requestId": refused.request_id,
    }
