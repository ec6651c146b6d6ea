"""The addresses of the management API for monitors, their standings, and tokens."""

from django.urls import path

from monitors.api import standings, tokens, views

urlpatterns = [
    path("v1/monitors", views.MonitorsView.as_view(), name="api-monitors"),
    path("v1/monitors/<str:monitor_id>", views.MonitorView.as_view(), name="api-monitor"),
    path("v1/monitors/<str:monitor_id>/specs", views.SpecsView.as_view(), name="api-specs"),
    path(
        "v1/monitors/<str:monitor_id>/specs/<str:number>",
        views.SpecView.as_view(),
        name="api-spec",
    ),
    path(
        "v1/monitors/<str:monitor_id>/specs/<str:number>/changes",
        views.SpecChangesView.as_view(),
        name="api-spec-changes",
    ),
    path("v1/monitors/<str:monitor_id>/pause", views.PauseView.as_view(), name="api-pause"),
    path("v1/monitors/<str:monitor_id>/resume", views.ResumeView.as_view(), name="api-resume"),
    path("v1/monitors/<str:monitor_id>/silence", views.SilenceView.as_view(), name="api-silence"),
    path("v1/runs/<str:run_id>", standings.RunView.as_view(), name="api-run"),
    path("v1/runs/<str:run_id>/waive", views.WaiveView.as_view(), name="api-waive"),
    path("v1/tokens", tokens.TokensView.as_view(), name="api-tokens"),
    path("v1/tokens/<str:token_id>/rotate", tokens.RotateView.as_view(), name="api-token-rotate"),
    path("v1/tokens/<str:token_id>/revoke", tokens.RevokeView.as_view(), name="api-token-revoke"),
]
