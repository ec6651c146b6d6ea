from django.urls import path

from monitors import rules_pages, views

urlpatterns = [
    path("", views.listing, name="monitors"),
    path("new", views.new, name="monitor_new"),
    path("<uuid:monitor_id>/edit", views.edit, name="monitor_edit"),
    path("<uuid:monitor_id>/delete", views.delete, name="monitor_delete"),
    path("<uuid:monitor_id>/pause", views.pause, name="monitor_pause"),
    path("<uuid:monitor_id>/resume", views.resume, name="monitor_resume"),
    path("<uuid:monitor_id>/silence", views.silence, name="monitor_silence"),
    path("<uuid:monitor_id>/unsilence", views.unsilence, name="monitor_unsilence"),
    path("<uuid:monitor_id>/rules", rules_pages.rules, name="monitor_rules"),
    path("<uuid:monitor_id>/rules/edit", rules_pages.edit, name="monitor_rules_edit"),
    path("<uuid:monitor_id>/rules/compare", rules_pages.compare, name="monitor_rules_compare"),
    path("<uuid:monitor_id>/rules/<int:number>", rules_pages.version, name="monitor_rules_version"),
    path("<uuid:monitor_id>/integration", views.integration, name="monitor_integration"),
    path("<uuid:monitor_id>/integration/token", views.issue, name="monitor_token"),
    path("<uuid:monitor_id>/first-signal", views.first_signal, name="monitor_first_signal"),
]
