from django.urls import path

from incidents import views

urlpatterns = [
    path("", views.history, name="incidents"),
    path("<int:number>", views.file, name="incident"),
    path("<int:number>/acknowledge", views.acknowledge, name="incident_acknowledge"),
    path("<int:number>/resolve", views.resolve, name="incident_resolve"),
    path("<int:number>/note", views.note, name="incident_note"),
    path("of/<uuid:monitor_id>", views.of_monitor, name="monitor_incidents"),
    path("of/<uuid:monitor_id>/pull/<uuid:pull_id>", views.of_pull, name="pull_incident"),
]
