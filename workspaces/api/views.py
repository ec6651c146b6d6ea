"""Channels and routes by API: parse, one operation, tell."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema

from luota.lib.api import Problem, invalid, json_response
from luota.lib.shapes import PAGING, answers, page_shape, read_body
from workspaces import routing
from workspaces.api import shapes
from workspaces.api.management import ManagementView, get_own, newest_first
from workspaces.models import Channel, Route


@contextmanager
def _route_problems() -> Iterator[None]:
    """The refusals of the operations on routes as problems."""
    try:
        yield
    except routing.UnknownChannel as error:
        field = f"steps[{error.position - 1}].channelId"
        raise invalid(field, "This workspace has no such channel.") from None
    except routing.RouteNameTaken:
        detail = "Another route of this workspace has this name."
        raise Problem(status=409, code="name_taken", detail=detail, field="name") from None
    except routing.DefaultRouteNeeded:
        detail = "A workspace needs a default route: make another one the default first."
        raise Problem(status=409, code="default_route_needed", detail=detail) from None


class ChannelsView(ManagementView):
    @extend_schema(
        operation_id="listChannels",
        parameters=PAGING,
        responses=answers({200: page_shape(shapes.ChannelShape)}, 422),
    )
    def get(self, request: HttpRequest) -> Any:
        """The ways to reach somebody, newest first."""
        return newest_first(request, Channel.objects.all(), self.caller, shapes.tell_channel)

    @extend_schema(
        operation_id="createChannel",
        request=shapes.ChannelInputShape,
        responses=answers({201: shapes.NewChannelShape}, 400, 413, 422),
    )
    def post(self, request: HttpRequest) -> HttpResponse:
        """An e-mail address or a webhook; the secret of a webhook is shown only now."""
        added = routing.create_channel(
            workspace_id=self.caller.workspace_id,
            draft=read_body(shapes.ChannelInputShape, request),
            actor=self.actor,
            now=self.now,
        )
        return json_response(201, shapes.tell_channel(added.channel) | {"secret": added.secret})


class ChannelView(ManagementView):
    @extend_schema(operation_id="getChannel", responses=answers({200: shapes.ChannelShape}))
    def get(self, request: HttpRequest, channel_id: str) -> HttpResponse:  # noqa: ARG002
        channel = get_own(Channel.objects.all(), self.caller, channel_id)
        return json_response(200, shapes.tell_channel(channel))

    @extend_schema(operation_id="deleteChannel", responses=answers({204: None}, 409))
    def delete(self, request: HttpRequest, channel_id: str) -> HttpResponse:  # noqa: ARG002
        """Refused while a route names it."""
        channel = get_own(Channel.objects.all(), self.caller, channel_id)
        try:
            routing.delete_channel(channel=channel, actor=self.actor, now=self.now)
        except routing.ChannelInUse:
            raise Problem(
                status=409, code="channel_in_use", detail="A route names this channel."
            ) from None
        return HttpResponse(status=204)


class RoutesView(ManagementView):
    @extend_schema(
        operation_id="listRoutes",
        parameters=PAGING,
        responses=answers({200: page_shape(shapes.RouteShape)}, 422),
    )
    def get(self, request: HttpRequest) -> Any:
        """How incidents reach people, newest first."""
        rows = Route.objects.prefetch_related("steps")
        return newest_first(request, rows, self.caller, shapes.tell_route)

    @extend_schema(
        operation_id="createRoute",
        request=shapes.RouteInputShape,
        responses=answers({201: shapes.RouteShape}, 400, 409, 413, 422),
    )
    def post(self, request: HttpRequest) -> HttpResponse:
        """Channels in their order with delays. The first route of a workspace is its default."""
        draft = read_body(shapes.RouteInputShape, request)
        with _route_problems():
            route = routing.create_route(
                workspace_id=self.caller.workspace_id, draft=draft, actor=self.actor, now=self.now
            )
        return json_response(201, shapes.tell_route(route))


class RouteView(ManagementView):
    @extend_schema(operation_id="getRoute", responses=answers({200: shapes.RouteShape}))
    def get(self, request: HttpRequest, route_id: str) -> HttpResponse:  # noqa: ARG002
        route = get_own(Route.objects.prefetch_related("steps"), self.caller, route_id)
        return json_response(200, shapes.tell_route(route))

    @extend_schema(
        operation_id="replaceRoute",
        request=shapes.RouteInputShape,
        responses=answers({200: shapes.RouteShape}, 400, 409, 413, 422),
    )
    def put(self, request: HttpRequest, route_id: str) -> HttpResponse:
        """The whole route anew: its name and all its steps."""
        route = get_own(Route.objects.all(), self.caller, route_id)
        draft = read_body(shapes.RouteInputShape, request)
        with _route_problems():
            routing.update_route(route=route, draft=draft, actor=self.actor, now=self.now)
        fresh = Route.objects.prefetch_related("steps").get(pk=route.pk)
        return json_response(200, shapes.tell_route(fresh))

    @extend_schema(operation_id="deleteRoute", responses=answers({204: None}, 409))
    def delete(self, request: HttpRequest, route_id: str) -> HttpResponse:  # noqa: ARG002
        """Its monitors fall back to the default route, which cannot be deleted."""
        route = get_own(Route.objects.all(), self.caller, route_id)
        with _route_problems():
            routing.delete_route(route=route, actor=self.actor, now=self.now)
        return HttpResponse(status=204)
