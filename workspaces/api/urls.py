"""The addresses of the management API for channels, routes and secrets."""

from django.urls import path

from workspaces.api import secrets, views

urlpatterns = [
    path("v1/channels", views.ChannelsView.as_view(), name="api-channels"),
    path("v1/channels/<str:channel_id>", views.ChannelView.as_view(), name="api-channel"),
    path("v1/routes", views.RoutesView.as_view(), name="api-routes"),
    path("v1/routes/<str:route_id>", views.RouteView.as_view(), name="api-route"),
    path("v1/secrets", secrets.SecretsView.as_view(), name="api-secrets"),
    path("v1/secrets/<str:secret_id>", secrets.SecretView.as_view(), name="api-secret"),
]
