"""The addresses of the management API for incident files."""

from django.urls import path

from incidents.api import views

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
]
