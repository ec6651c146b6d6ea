from django.urls import path

from monitors import views

urlpatterns = [
    path("", views.listing, name="monitors"),
    path("new", views.new, name="monitor_new"),
    path("<uuid:monitor_id>/edit", views.edit, name="monitor_edit"),
    path("<uuid:monitor_id>/delete", views.delete, name="monitor_delete"),
    path("<uuid:monitor_id>/pause", views.pause, name="monitor_pause"),
    path("<uuid:monitor_id>/resume", views.resume, name="monitor_resume"),
    path("<uuid:monitor_id>/silence", views.silence, name="monitor_silence"),
    path("<uuid:monitor_id>/unsilence", views.unsilence, name="monitor_unsilence"),
    path("<uuid:monitor_id>/rules", views.rules, name="monitor_rules"),
    path("<uuid:monitor_id>/integration", views.integration, name="monitor_integration"),
    path("<uuid:monitor_id>/integration/token", views.issue, name="monitor_token"),
    path("<uuid:monitor_id>/first-signal", views.first_signal, name="monitor_first_signal"),
]
