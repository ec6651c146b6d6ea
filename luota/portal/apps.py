from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "luota.portal"
    label = "portal"
