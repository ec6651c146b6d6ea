"""All addresses; each app lists its own."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from luota import health, openapi

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # one sign-in

handler500 = "luota.lib.http.broken"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("evidence.api.urls")),
    path("", include("monitors.api.urls")),
    path("", include("incidents.api.urls")),
    path("", include("workspaces.api.urls")),
    path("openapi.json", openapi.schema, name="openapi"),
    path("docs/api", openapi.docs, name="api-docs"),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("", include("luota.portal.urls")),
]
