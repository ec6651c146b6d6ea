from django.apps import AppConfig
from django.core.checks import Tags, register

from luota import checks, server_checks


class PortalConfig(AppConfig):
    name = "luota.portal"
    label = "portal"

    def ready(self) -> None:
        register(checks.check_settings, checks.TAG)
        register(server_checks.check_servers, Tags.database)
