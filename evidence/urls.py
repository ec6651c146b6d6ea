from django.urls import path

from evidence import views

urlpatterns = [
    path("unplaced", views.unplaced, name="unplaced"),
    path("expected/", views.listing, name="expected"),
    path("expected/<uuid:expected_set_id>", views.one, name="expected_set"),
    path("expected/of/<uuid:monitor_id>", views.of_monitor, name="monitor_expected"),
]
