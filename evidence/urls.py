from django.urls import path

from evidence import receiver_pages, views

urlpatterns = [
    path("unplaced", views.unplaced, name="unplaced"),
    path("expected/", views.listing, name="expected"),
    path("expected/<uuid:expected_set_id>", views.one, name="expected_set"),
    path("expected/of/<uuid:monitor_id>", views.of_monitor, name="monitor_expected"),
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
