"""The addresses of the management API for incident files, and for what is asked of rules and of the past."""

from django.urls import path

from incidents.api import insight, views

urlpatterns = [
    path("v1/incidents", views.IncidentsView.as_view(), name="api-incidents"),
    path("v1/incidents/<str:incident_id>", views.IncidentView.as_view(), name="api-incident"),
    path(
        "v1/incidents/<str:incident_id>/acknowledge",
        views.AcknowledgeView.as_view(),
        name="api-incident-acknowledge",
    ),
    path(
        "v1/incidents/<str:incident_id>/resolve",
        views.ResolveView.as_view(),
        name="api-incident-resolve",
    ),
    path(
        "v1/incidents/<str:incident_id>/notes", views.NotesView.as_view(), name="api-incident-notes"
    ),
    path(
        "v1/monitors/<str:monitor_id>/backtest",
        insight.BacktestView.as_view(),
        name="api-backtest",
    ),
    path("v1/monitors/<str:monitor_id>/mutate", insight.MutateView.as_view(), name="api-mutate"),
    path("v1/monitors/<str:monitor_id>/ledger", insight.LedgerView.as_view(), name="api-ledger"),
    path("v1/runs/<str:run_id>/why", insight.WhyView.as_view(), name="api-why"),
]
