"""Receivers by API: parse, one operation, tell."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema

from evidence import receiver_changes as changes
from evidence.api import receiver_shapes as shapes
from evidence.receiver_changes import ReceiverDraft
from evidence.receiver_models import Receiver, RefusedDelivery
from luota.lib.api import Problem, invalid, json_response, unauthorised
from luota.lib.shapes import PAGING, answers, page_shape, read_body
from workspaces.api.management import ManagementView, get_own, newest_first


@contextmanager
def _problems() -> Iterator[None]:
    """The refusals of the operations as problems."""
    try:
        yield
    except changes.ReceiverNameTaken:
        detail = "Another receiver of this workspace has this name."
        raise Problem(status=409, code="name_taken", detail=detail, field="name") from None
    except changes.SettingsInvalid as error:
        raise invalid("settings", str(error)) from None
    except changes.SecretsInvalid as error:
        raise invalid("secret", str(error)) from None
    except changes.NoSuchMonitor:
        raise invalid("monitorId", "This workspace has no such monitor.") from None
    except changes.NoSuchSecret:
        raise unauthorised() from None


class ReceiversView(ManagementView):
    @extend_schema(
        operation_id="listReceivers",
        parameters=PAGING,
        responses=answers({200: page_shape(shapes.ReceiverShape)}, 422),
    )
    def get(self, request: HttpRequest) -> Any:
        """The addresses at which vendors deliver, newest first, without their secrets."""
        return newest_first(request, Receiver.objects.all(), self.caller, shapes.tell_receiver)

    @extend_schema(
        operation_id="createReceiver",
        request=shapes.ReceiverInputShape,
        responses=answers({201: shapes.NewReceiverShape}, 400, 409, 413, 422),
    )
    def post(self, request: HttpRequest) -> HttpResponse:
        """A secret that Luota made is shown only now; one that was given never again."""
        draft: ReceiverDraft = read_body(shapes.ReceiverInputShape, request)
        with _problems():
            enrolled = changes.create_receiver(
                workspace_id=self.caller.workspace_id, draft=draft, actor=self.actor, now=self.now
            )
        told = shapes.tell_receiver(enrolled.receiver)
        return json_response(201, told | {"secret": enrolled.secret or None})


class ReceiverView(ManagementView):
    @extend_schema(operation_id="getReceiver", responses=answers({200: shapes.ReceiverShape}))
    def get(self, request: HttpRequest, receiver_id: str) -> HttpResponse:  # noqa: ARG002
        receiver = get_own(Receiver.objects.all(), self.caller, receiver_id)
        return json_response(200, shapes.tell_receiver(receiver))

    @extend_schema(
        operation_id="updateReceiver",
        request=shapes.ReceiverChangesShape,
        responses=answers({200: shapes.ReceiverShape}, 400, 409, 413, 422),
    )
    def patch(self, request: HttpRequest, receiver_id: str) -> HttpResponse:
        """Name, settings, monitor; `disabled` answers 410 to the vendor until it is taken back."""
        receiver = get_own(Receiver.objects.all(), self.caller, receiver_id)
        values: dict[str, Any] = read_body(shapes.ReceiverChangesShape, request)
        is_disabled = values.pop("disabled", None)
        by: dict[str, Any] = {"actor": self.actor, "now": self.now}
        with _problems():
            if values:
                receiver = changes.update_receiver(receiver=receiver, values=values, **by)
            if is_disabled is not None:
                turn = changes.disable_receiver if is_disabled else changes.enable_receiver
                receiver = turn(receiver=receiver, **by)
        return json_response(200, shapes.tell_receiver(receiver))

    @extend_schema(operation_id="deleteReceiver", responses=answers({204: None}))
    def delete(self, request: HttpRequest, receiver_id: str) -> HttpResponse:  # noqa: ARG002
        """What it brought stays; its address is gone for good."""
        receiver = get_own(Receiver.objects.all(), self.caller, receiver_id)
        changes.delete_receiver(receiver=receiver, actor=self.actor, now=self.now)
        return HttpResponse(status=204)


class ReceiverSecretsView(ManagementView):
    @extend_schema(
        operation_id="addReceiverSecret",
        request=shapes.ReceiverSecretInputShape,
        responses=answers({201: shapes.NewReceiverShape}, 400, 413, 422),
    )
    def post(self, request: HttpRequest, receiver_id: str) -> HttpResponse:
        """Another secret beside those it has: add the new one, change it at the vendor, remove the old one."""
        receiver = get_own(Receiver.objects.all(), self.caller, receiver_id)
        given: shapes.NewSecret = read_body(shapes.ReceiverSecretInputShape, request)
        with _problems():
            receiver, made = changes.add_secret(
                receiver=receiver, secret=given.secret, actor=self.actor, now=self.now
            )
        return json_response(201, shapes.tell_receiver(receiver) | {"secret": made or None})


class ReceiverSecretView(ManagementView):
    @extend_schema(
        operation_id="removeReceiverSecret", responses=answers({200: shapes.ReceiverShape})
    )
    def delete(self, request: HttpRequest, receiver_id: str, secret_id: str) -> HttpResponse:  # noqa: ARG002
        """Holds everywhere within 5 seconds."""
        receiver = get_own(Receiver.objects.all(), self.caller, receiver_id)
        with _problems():
            receiver = changes.remove_secret(
                receiver=receiver, secret_id=secret_id, actor=self.actor, now=self.now
            )
        return json_response(200, shapes.tell_receiver(receiver))


class RefusedDeliveriesView(ManagementView):
    @extend_schema(
        operation_id="listRefusedDeliveries",
        parameters=PAGING,
        responses=answers({200: page_shape(shapes.RefusedDeliveryShape)}, 422),
    )
    def get(self, request: HttpRequest, receiver_id: str) -> Any:
        """What was not taken in the last seven days, or had been taken before, newest first, and why.

        Bodies are not kept. Of each receiver the latest 1,000 are listed, and of repetitions the latest 100.
        """
        receiver = get_own(Receiver.objects.all(), self.caller, receiver_id)
        rows = RefusedDelivery.objects.filter(receiver=receiver)
        return newest_first(request, rows, self.caller, shapes.tell_refused)
