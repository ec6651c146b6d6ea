"""Secrets by API: kept, named, replaced, thrown away; no call gives one back."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from luota.lib.api import Problem, json_response
from luota.lib.shapes import PAGING, Shape, answers, example, page_shape, read_body
from workspaces import vault
from workspaces.api.management import ManagementView, get_own, newest_first
from workspaces.models import Secret
from workspaces.vault import LONGEST_SECRET


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    value: str
    name: str = ""


@example(value="…")
class SecretValueShape(Shape):
    value = serializers.CharField(
        max_length=LONGEST_SECRET,
        trim_whitespace=False,
        write_only=True,
        help_text="Kept encrypted; no call ever gives it back.",
    )

    def parsed(self) -> Given:
        return Given(**self.validated_data)


@example(name="Read-only role of the shop", value="…")
class SecretInputShape(SecretValueShape):
    name = serializers.CharField(max_length=120)


class SecretShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    last4 = serializers.CharField(help_text="Empty for a short secret.", allow_blank=True)
    createdAt = serializers.DateTimeField()
    replacedAt = serializers.DateTimeField(allow_null=True)


def tell_secret(secret: Secret) -> dict[str, Any]:
    return {
        "id": secret.pk,
        "name": secret.name,
        "last4": secret.last4,
        "createdAt": secret.created_at,
        "replacedAt": secret.replaced_at,
    }


class SecretsView(ManagementView):
    @extend_schema(
        operation_id="listSecrets",
        parameters=PAGING,
        responses=answers({200: page_shape(SecretShape)}, 422),
    )
    def get(self, request: HttpRequest) -> Any:
        """Their names, newest first."""
        return newest_first(request, Secret.objects.all(), self.caller, tell_secret)

    @extend_schema(
        operation_id="createSecret",
        request=SecretInputShape,
        responses=answers({201: SecretShape}, 400, 409, 413, 422),
    )
    def post(self, request: HttpRequest) -> HttpResponse:
        """A credential that probes may use."""
        given: Given = read_body(SecretInputShape, request)
        try:
            secret = vault.keep_secret(
                workspace_id=self.caller.workspace_id,
                name=given.name,
                plain=given.value,
                actor=self.actor,
                now=self.now,
            )
        except vault.SecretNameTaken:
            detail = "Another secret of this workspace has this name."
            raise Problem(status=409, code="name_taken", detail=detail, field="name") from None
        return json_response(201, tell_secret(secret))


class SecretView(ManagementView):
    @extend_schema(operation_id="getSecret", responses=answers({200: SecretShape}))
    def get(self, request: HttpRequest, secret_id: str) -> HttpResponse:  # noqa: ARG002
        secret = get_own(Secret.objects.all(), self.caller, secret_id)
        return json_response(200, tell_secret(secret))

    @extend_schema(
        operation_id="replaceSecret",
        request=SecretValueShape,
        responses=answers({200: SecretShape}, 400, 413, 422),
    )
    def put(self, request: HttpRequest, secret_id: str) -> HttpResponse:
        """Another value under the same name: all that uses it goes on with the new one."""
        secret = get_own(Secret.objects.all(), self.caller, secret_id)
        given: Given = read_body(SecretValueShape, request)
        vault.replace_secret(secret=secret, plain=given.value, actor=self.actor, now=self.now)
        fresh = get_own(Secret.objects.all(), self.caller, secret_id)
        return json_response(200, tell_secret(fresh))

    @extend_schema(operation_id="deleteSecret", responses=answers({204: None}, 409))
    def delete(self, request: HttpRequest, secret_id: str) -> HttpResponse:  # noqa: ARG002
        """Refused while something uses it, by name."""
        secret = get_own(Secret.objects.all(), self.caller, secret_id)
        try:
            vault.delete_secret(secret=secret, actor=self.actor, now=self.now)
        except vault.SecretInUse as error:
            detail = f"{str(error)[:1].upper()}{str(error)[1:]}"
            raise Problem(status=409, code="secret_in_use", detail=detail) from None
        return HttpResponse(status=204)
