from django.urls import path

from evidence import list_pages, probe_pages, pull_pages, receiver_pages, views

urlpatterns = [
    path("unplaced", views.unplaced, name="unplaced"),
    path("unplaced/<uuid:piece_id>", views.unplaced_piece, name="unplaced_piece"),
    path("expected/", views.listing, name="expected"),
    path("expected/<uuid:expected_set_id>", views.one, name="expected_set"),
    path(
        "expected/<uuid:expected_set_id>/missing.csv",
        list_pages.missing_csv,
        name="expected_missing_csv",
    ),
    path(
        "expected/<uuid:expected_set_id>/unexpected.csv",
        list_pages.unexpected_csv,
        name="expected_unexpected_csv",
    ),
    path("expected/keys/", list_pages.list_keys, name="list_keys"),
    path(
        "expected/keys/<uuid:list_key_id>/delete",
        list_pages.delete_list_key,
        name="list_key_delete",
    ),
    path("expected/pulls/", pull_pages.listing, name="pulls"),
    path("expected/pulls/new/<uuid:monitor_id>", pull_pages.new, name="pull_new"),
    path("expected/pulls/<uuid:pull_id>", pull_pages.one, name="pull"),
    path("expected/pulls/<uuid:pull_id>/edit", pull_pages.edit, name="pull_edit"),
    path("expected/pulls/<uuid:pull_id>/now", pull_pages.pull_now, name="pull_now"),
    path("expected/pulls/<uuid:pull_id>/delete", pull_pages.delete, name="pull_delete"),
    path("expected/of/<uuid:monitor_id>", views.of_monitor, name="monitor_expected"),
    path("probes/", probe_pages.listing, name="probes"),
    path("probes/of/<uuid:monitor_id>", probe_pages.of_monitor, name="monitor_probes"),
    path("probes/of/<uuid:monitor_id>/new", probe_pages.new, name="probe_new"),
    path("probes/<uuid:probe_id>", probe_pages.probe, name="probe"),
    path("probes/<uuid:probe_id>/edit", probe_pages.edit, name="probe_edit"),
    path("probes/<uuid:probe_id>/look", probe_pages.look, name="probe_look"),
    path("probes/<uuid:probe_id>/turn", probe_pages.turn, name="probe_turn"),
    path("probes/<uuid:probe_id>/delete", probe_pages.delete, name="probe_delete"),
    path("receivers/", receiver_pages.listing, name="receivers"),
    path("receivers/new", receiver_pages.new, name="receiver_new"),
    path("receivers/<uuid:receiver_id>", receiver_pages.receiver, name="receiver"),
    path(
        "receivers/<uuid:receiver_id>/secrets",
        receiver_pages.add_secret,
        name="receiver_secret_add",
    ),
    path(
        "receivers/<uuid:receiver_id>/secrets/<str:secret_id>/remove",
        receiver_pages.remove_secret,
        name="receiver_secret_remove",
    ),
    path("receivers/<uuid:receiver_id>/turn", receiver_pages.turn, name="receiver_turn"),
    path("receivers/<uuid:receiver_id>/delete", receiver_pages.delete, name="receiver_delete"),
]
