"""List keys by API: the secrets under which teams send their keys as HMACs. No call gives one back."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from evidence import list_keys
from evidence.list_keys import LONGEST, SHORTEST, MadeKey
from evidence.models import ListKey
from luota.lib.api import Problem, invalid, json_response
from luota.lib.shapes import PAGING, Shape, answers, example, page_shape, read_body
from workspaces.api.management import ManagementView, get_own, newest_first


@example(keyId="2026-11")
class ListKeyInputShape(Shape):
    keyId = serializers.CharField(
        max_length=64, help_text="The name by which lists say which secret it was, such as 2026-11."
    )
    secret = serializers.CharField(
        min_length=SHORTEST,
        max_length=LONGEST,
        required=False,
        trim_whitespace=False,
        write_only=True,
        help_text="Kept encrypted, and never given back; left out, Luota makes one.",
    )

    def parsed(self) -> dict[str, str]:
        words = self.validated_data
        return {"key_id": words["keyId"], "secret": words.get("secret", "")}


class ListKeyShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    keyId = serializers.CharField()
    last4 = serializers.CharField()
    createdAt = serializers.DateTimeField()


class MadeListKeyShape(ListKeyShape):
    secret = serializers.CharField(help_text="Shown once. Empty when you gave it.")


class ListKeysView(ManagementView):
    @extend_schema(
        operation_id="listListKeys",
        parameters=PAGING,
        responses=answers({200: page_shape(ListKeyShape)}, 422),
    )
    def get(self, request: HttpRequest) -> Any:
        """Their names, newest first."""
        return newest_first(request, ListKey.objects.all(), self.caller, tell_list_key)

    @extend_schema(
        operation_id="createListKey",
        request=ListKeyInputShape,
        responses=answers({201: MadeListKeyShape}, 400, 409, 413, 422),
    )
    def post(self, request: HttpRequest) -> HttpResponse:
        """A secret that is never replaced: another one has another name."""
        words = read_body(ListKeyInputShape, request)
        try:
            made: MadeKey = list_keys.make_list_key(
                workspace_id=self.caller.workspace_id, actor=self.actor, now=self.now, **words
            )
        except list_keys.ListKeyInvalid as error:
            raise invalid(error.field, error.sentence) from None
        except list_keys.ListKeyNameTaken:
            detail = "Another list key of this workspace has this name."
            raise Problem(status=409, code="name_taken", detail=detail, field="keyId") from None
        return json_response(201, tell_list_key(made.list_key) | {"secret": made.secret})


class ListKeyView(ManagementView):
    @extend_schema(operation_id="getListKey", responses=answers({200: ListKeyShape}))
    def get(self, request: HttpRequest, list_key_id: str) -> HttpResponse:  # noqa: ARG002
        return json_response(
            200, tell_list_key(get_own(ListKey.objects.all(), self.caller, list_key_id))
        )

    @extend_schema(operation_id="deleteListKey", responses=answers({204: None}, 409))
    def delete(self, request: HttpRequest, list_key_id: str) -> HttpResponse:  # noqa: ARG002
        """Refused while lists are kept under it."""
        row = get_own(ListKey.objects.all(), self.caller, list_key_id)
        try:
            list_keys.delete_list_key(list_key=row, actor=self.actor, now=self.now)
        except list_keys.ListKeyInUse:
            detail = "Lists are kept under this key; it can be deleted when they are forgotten."
            raise Problem(status=409, code="list_key_in_use", detail=detail) from None
        return HttpResponse(status=204)


def tell_list_key(row: ListKey) -> dict[str, Any]:
    return {
        "id": row.pk,
        "keyId": row.key_id,
        "last4": row.last4,
        "createdAt": row.created_at,
    }
