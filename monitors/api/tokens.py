"""Tokens by API: listed, issued, rotated, revoked. Here, because a token may be bound to a monitor."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from luota.lib.api import Problem, invalid, json_response
from luota.lib.shapes import PAGING, ChoiceField, Shape, answers, example, page_shape, read_body
from monitors.standings import find_monitor
from workspaces import tokens
from workspaces.api.management import ManagementView, get_own, newest_first
from workspaces.models import Token, TokenKind

LONGEST_OVERLAP = timedelta(days=30)


@example(kind="ingest", name="Billing workers", monitorId="01993ea2-5f1c-7c1e-9d61-0a6d2c1b7f10")
class TokenInputShape(Shape):
    kind = ChoiceField(TokenKind.choices)
    name = serializers.CharField(max_length=120)
    monitorId = serializers.UUIDField(
        allow_null=True, default=None, help_text="Opens only this monitor (kind ingest)."
    )
    expiresAt = serializers.DateTimeField(allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["monitorId"] and attrs["kind"] != TokenKind.INGEST:
            raise serializers.ValidationError(
                {"monitorId": "Only ingest tokens are bound to a monitor."}
            )
        return attrs

    def parsed(self) -> tokens.TokenDraft:
        words = self.validated_data
        return tokens.TokenDraft(
            kind=TokenKind(words["kind"]),
            name=words["name"],
            monitor_id=words["monitorId"],
            expires_at=words["expiresAt"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    overlap: timedelta


@example(overlapSeconds=86400)
class RotationShape(Shape):
    overlapSeconds = serializers.IntegerField(
        min_value=0,
        max_value=int(LONGEST_OVERLAP.total_seconds()),
        default=int(tokens.DEFAULT_OVERLAP.total_seconds()),
        help_text="How long the old token still works.",
    )

    def parsed(self) -> Rotation:
        return Rotation(overlap=timedelta(seconds=self.validated_data["overlapSeconds"]))


class TokenShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(TokenKind.choices)
    name = serializers.CharField()
    prefix = serializers.CharField()
    monitorId = serializers.UUIDField(allow_null=True)
    rotatedFrom = serializers.UUIDField(allow_null=True)
    createdAt = serializers.DateTimeField()
    lastUsedAt = serializers.DateTimeField(allow_null=True)
    expiresAt = serializers.DateTimeField(allow_null=True)
    revokedAt = serializers.DateTimeField(allow_null=True)


class NewTokenShape(TokenShape):
    secret = serializers.CharField(help_text="Shown this once.")


def tell_token(token: Token) -> dict[str, Any]:
    return {
        "id": token.pk,
        "kind": token.kind,
        "name": token.name,
        "prefix": token.prefix,
        "monitorId": token.monitor_id,
        "rotatedFrom": token.rotated_from_id,
        "createdAt": token.created_at,
        "lastUsedAt": token.last_used_at,
        "expiresAt": token.expires_at,
        "revokedAt": token.revoked_at,
    }


class TokensView(ManagementView):
    @extend_schema(
        operation_id="listTokens",
        parameters=PAGING,
        responses=answers({200: page_shape(TokenShape)}, 422),
    )
    def get(self, request: HttpRequest) -> Any:
        """All tokens ever issued, newest first, without their secrets."""
        return newest_first(request, Token.objects.all(), self.caller, tell_token)

    @extend_schema(
        operation_id="issueToken",
        request=TokenInputShape,
        responses=answers({201: NewTokenShape}, 400, 413, 422),
    )
    def post(self, request: HttpRequest) -> HttpResponse:
        """The secret is shown only now."""
        draft: tokens.TokenDraft = read_body(TokenInputShape, request)
        workspace_id = self.caller.workspace_id
        if draft.monitor_id and find_monitor(workspace_id, draft.monitor_id) is None:
            raise invalid("monitorId", "This workspace has no such monitor.")
        try:
            issued = tokens.issue_token(
                workspace_id=workspace_id, draft=draft, actor=self.actor, now=self.now
            )
        except tokens.TokenExpiryPassed:
            raise invalid("expiresAt", "It must lie ahead.") from None
        return json_response(201, _tell_issued(issued))


class RotateView(ManagementView):
    @extend_schema(
        operation_id="rotateToken",
        request=RotationShape,
        responses=answers({201: NewTokenShape}, 400, 409, 413, 422),
    )
    def post(self, request: HttpRequest, token_id: str) -> HttpResponse:
        """A successor with a new secret; the old one works until the overlap ends."""
        token = get_own(Token.objects.all(), self.caller, token_id)
        rotation: Rotation = read_body(RotationShape, request)
        try:
            issued = tokens.rotate_token(
                token=token, actor=self.actor, now=self.now, overlap=rotation.overlap
            )
        except tokens.TokenNotLive:
            detail = "The token is revoked, expired or rotated already."
            raise Problem(status=409, code="token_not_live", detail=detail) from None
        return json_response(201, _tell_issued(issued))


class RevokeView(ManagementView):
    @extend_schema(operation_id="revokeToken", request=None, responses=answers({200: TokenShape}))
    def post(self, request: HttpRequest, token_id: str) -> HttpResponse:  # noqa: ARG002
        """Holds everywhere within 5 seconds. Repeating it changes nothing."""
        token = get_own(Token.objects.all(), self.caller, token_id)
        tokens.revoke_token(token=token, actor=self.actor, now=self.now)
        token.refresh_from_db()
        return json_response(200, tell_token(token))


def _tell_issued(issued: tokens.Issued) -> dict[str, Any]:
    return tell_token(issued.token) | {"secret": issued.secret}
