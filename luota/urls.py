"""All addresses; each app lists its own."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from luota import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("evidence.api.urls")),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
]
