"""The addresses of the ingestion contract, of receivers, of probes, and of what waits for its run."""

from django.urls import path

from evidence.api import list_keys, lists, probes, pulls, receivers, unplaced, views
from evidence.api.batch import BatchView
from evidence.api.expect import ExpectView
from evidence.api.receive import receive

urlpatterns = [
    path("in/<uuid:receiver_id>", receive, name="receive"),
    path("in/<uuid:receiver_id>/<path:rest>", receive, name="receive-below"),
    path("v1/monitors/<str:monitor_id>/ping", views.PingView.as_view(), name="api-ping"),
    path(
        "v1/monitors/<str:monitor_id>/evidence",
        views.MonitorEvidenceView.as_view(),
        name="api-monitor-evidence",
    ),
    path("v1/monitors/<str:monitor_id>/expect", ExpectView.as_view(), name="api-expect"),
    path(
        "v1/monitors/<str:monitor_id>/expected",
        lists.ExpectedSetsView.as_view(),
        name="api-expected-sets",
    ),
    path(
        "v1/expected/<str:expected_set_id>",
        lists.ExpectedSetView.as_view(),
        name="api-expected-set",
    ),
    path(
        "v1/expected/<str:expected_set_id>/missing",
        lists.MissingKeysView.as_view(),
        name="api-missing-keys",
    ),
    path(
        "v1/expected/<str:expected_set_id>/unexpected",
        lists.UnexpectedKeysView.as_view(),
        name="api-unexpected-keys",
    ),
    path("v1/list-keys", list_keys.ListKeysView.as_view(), name="api-list-keys"),
    path("v1/list-keys/<str:list_key_id>", list_keys.ListKeyView.as_view(), name="api-list-key"),
    path("v1/runs/start", views.StartView.as_view(), name="api-run-start"),
    path("v1/runs/close", views.CloseByNameView.as_view(), name="api-run-close"),
    path("v1/runs/<str:run_id>/success", views.SuccessView.as_view(), name="api-run-success"),
    path("v1/runs/<str:run_id>/fail", views.FailView.as_view(), name="api-run-fail"),
    path("v1/runs/<str:run_id>/nothing", views.NothingView.as_view(), name="api-run-nothing"),
    path("v1/runs/<str:run_id>/evidence", views.RunEvidenceView.as_view(), name="api-run-evidence"),
    path("v1/evidence", BatchView.as_view(), name="api-evidence-batch"),
    path(
        "v1/ingest/workspaces/<str:workspace_id>/heartbeat",
        views.HeartbeatView.as_view(),
        name="api-workspace-heartbeat",
    ),
    path("v1/unplaced", unplaced.UnplacedView.as_view(), name="api-unplaced"),
    path(
        "v1/unplaced/<str:piece_id>",
        unplaced.UnplacedPieceView.as_view(),
        name="api-unplaced-piece",
    ),
    path("v1/receivers", receivers.ReceiversView.as_view(), name="api-receivers"),
    path("v1/receivers/<str:receiver_id>", receivers.ReceiverView.as_view(), name="api-receiver"),
    path(
        "v1/receivers/<str:receiver_id>/secrets",
        receivers.ReceiverSecretsView.as_view(),
        name="api-receiver-secrets",
    ),
    path(
        "v1/receivers/<str:receiver_id>/secrets/<str:secret_id>",
        receivers.ReceiverSecretView.as_view(),
        name="api-receiver-secret",
    ),
    path(
        "v1/receivers/<str:receiver_id>/refused",
        receivers.RefusedDeliveriesView.as_view(),
        name="api-receiver-refused",
    ),
    path(
        "v1/monitors/<str:monitor_id>/probes",
        probes.ProbesView.as_view(),
        name="api-monitor-probes",
    ),
    path("v1/monitors/<str:monitor_id>/pulls", pulls.PullsView.as_view(), name="api-pulls"),
    path("v1/pulls/<str:pull_id>", pulls.PullView.as_view(), name="api-pull"),
    path("v1/pulls/<str:pull_id>/pull", pulls.PullNowView.as_view(), name="api-pull-now"),
    path("v1/probes/<str:probe_id>", probes.ProbeView.as_view(), name="api-probe"),
    path("v1/probes/<str:probe_id>/look", probes.LookView.as_view(), name="api-probe-look"),
]
