from django.urls import path

from evidence import views

urlpatterns = [
    path("", views.unplaced, name="unplaced"),
]
