from django.urls import path

from workspaces import secret_pages, views

urlpatterns = [
    path("", views.overview, name="settings"),
    path("secrets/", secret_pages.listing, name="secrets"),
    path("secrets/new", secret_pages.new, name="secret_new"),
    path("secrets/<uuid:secret_id>", secret_pages.secret, name="secret"),
    path("secrets/<uuid:secret_id>/replace", secret_pages.replace, name="secret_replace"),
    path("secrets/<uuid:secret_id>/delete", secret_pages.delete, name="secret_delete"),
    path("tokens", views.issue, name="token_issue"),
    path("tokens/<uuid:token_id>/revoke", views.revoke, name="token_revoke"),
]
