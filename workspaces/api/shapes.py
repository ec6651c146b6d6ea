"""The shapes of channels and routes in the management API, both ways."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator, URLValidator
from rest_framework import serializers

from luota.lib.shapes import ChoiceField, Shape, StrictShape, example
from workspaces.models import Channel, ChannelKind, Route
from workspaces.routing import MOST_STEPS, ChannelDraft, RouteDraft, StepDraft

LONGEST_DELAY = 7 * 24 * 3600

_MAIL = EmailValidator("Give an e-mail address.")
_URL = URLValidator(["http", "https"], message="Give an http(s) URL.")


@example(kind="email", name="On call", address="on-call@example.org")
class ChannelInputShape(Shape):
    kind = ChoiceField(ChannelKind.choices)
    name = serializers.CharField(max_length=120)
    address = serializers.CharField(
        max_length=500, help_text="An e-mail address, or the URL of a webhook."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        is_mail = attrs["kind"] == ChannelKind.EMAIL
        try:
            (_MAIL if is_mail else _URL)(attrs["address"])
        except ValidationError as error:
            raise serializers.ValidationError({"address": error.messages}) from error
        return attrs

    def parsed(self) -> ChannelDraft:
        words = self.validated_data
        return ChannelDraft(
            kind=ChannelKind(words["kind"]), name=words["name"], address=words["address"]
        )


class ChannelShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(ChannelKind.choices)
    name = serializers.CharField()
    address = serializers.CharField()
    createdAt = serializers.DateTimeField()


class NewChannelShape(ChannelShape):
    secret = serializers.CharField(
        allow_null=True, help_text="Signs the webhooks. Shown this once; null for e-mail."
    )


def tell_channel(channel: Channel) -> dict[str, Any]:
    return {
        "id": channel.pk,
        "kind": channel.kind,
        "name": channel.name,
        "address": channel.address,
        "createdAt": channel.created_at,
    }


class StepShape(StrictShape):
    channelId = serializers.UUIDField()
    delaySeconds = serializers.IntegerField(
        min_value=0, max_value=LONGEST_DELAY, default=0, help_text="After the incident opened."
    )


@example(
    name="Nights",
    steps=[
        {"channelId": "01993ea2-5f1c-7c1e-9d61-0a6d2c1b7f10"},
        {"channelId": "01993ea2-5f1c-7c1e-9d61-0a6d2c1b7f10", "delaySeconds": 900},
    ],
)
class RouteInputShape(Shape):
    name = serializers.CharField(max_length=120)
    isDefault = serializers.BooleanField(default=False)
    steps = serializers.ListField(child=StepShape(), min_length=1, max_length=MOST_STEPS)

    def parsed(self) -> RouteDraft:
        words = self.validated_data
        return RouteDraft(
            name=words["name"],
            is_default=words["isDefault"],
            steps=tuple(_step(step) for step in words["steps"]),
        )


class RouteShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    isDefault = serializers.BooleanField()
    steps = StepShape(many=True)
    createdAt = serializers.DateTimeField()
    lastProvenAt = serializers.DateTimeField(
        allow_null=True, help_text="When a notice by this route was last accepted."
    )


def tell_route(route: Route) -> dict[str, Any]:
    """Needs `steps` prefetched."""
    return {
        "id": route.pk,
        "name": route.name,
        "isDefault": route.is_default,
        "steps": [
            {"channelId": step.channel_id, "delaySeconds": int(step.delay.total_seconds())}
            for step in route.steps.all()
        ],
        "createdAt": route.created_at,
        "lastProvenAt": route.last_proven_at,
    }


def _step(words: Mapping[str, Any]) -> StepDraft:
    return StepDraft(channel_id=words["channelId"], delay=timedelta(seconds=words["delaySeconds"]))
