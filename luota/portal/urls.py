"""The portal's addresses: every page of a workspace lies under /w/<its id>/."""

from django.urls import include, path

from luota.portal import insight, views
from luota.portal.blueprints.views import blueprints

urlpatterns = [
    path("", views.home, name="home"),
    path("w/<uuid:workspace_id>/", views.queue, name="queue"),
    path("w/<uuid:workspace_id>/monitors/<uuid:monitor_id>", views.monitor, name="monitor"),
    path(
        "w/<uuid:workspace_id>/monitors/<uuid:monitor_id>/try",
        insight.try_on_past,
        name="monitor_try",
    ),
    path(
        "w/<uuid:workspace_id>/monitors/<uuid:monitor_id>/rules/try",
        insight.try_text_on_past,
        name="monitor_try_text",
    ),
    path(
        "w/<uuid:workspace_id>/monitors/<uuid:monitor_id>/mutation",
        insight.mutation,
        name="monitor_mutation",
    ),
    path(
        "w/<uuid:workspace_id>/monitors/<uuid:monitor_id>/ledger",
        insight.ledger,
        name="monitor_ledger",
    ),
    path("w/<uuid:workspace_id>/monitors/blueprints", blueprints, name="blueprints"),
    path("w/<uuid:workspace_id>/runs/<uuid:run_id>", views.run, name="run"),
    path("w/<uuid:workspace_id>/runs/<uuid:run_id>/waive", views.waive, name="run_waive"),
    path("w/<uuid:workspace_id>/runs/<uuid:run_id>/why", insight.why, name="why"),
    path("w/<uuid:workspace_id>/incidents/", include("incidents.urls")),
    path("w/<uuid:workspace_id>/", include("evidence.urls")),
    path("w/<uuid:workspace_id>/monitors/", include("monitors.urls")),
    path("w/<uuid:workspace_id>/settings/", include("workspaces.urls")),
]
