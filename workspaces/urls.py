from django.urls import path

from workspaces import views

urlpatterns = [
    path("", views.overview, name="settings"),
    path("tokens", views.issue, name="token_issue"),
    path("tokens/<uuid:token_id>/revoke", views.revoke, name="token_revoke"),
]
