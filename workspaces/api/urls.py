"""The addresses of the management API for channels and routes."""

from django.urls import path

from workspaces.api import views

urlpatterns = [
    path("v1/channels", views.ChannelsView.as_view(), name="api-channels"),
    path("v1/channels/<str:channel_id>", views.ChannelView.as_view(), name="api-channel"),
    path("v1/routes", views.RoutesView.as_view(), name="api-routes"),
    path("v1/routes/<str:route_id>", views.RouteView.as_view(), name="api-route"),
]
