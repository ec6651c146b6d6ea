"""After a new key was put first in SECRETS_KEYS: `manage.py rotate_secrets`, then drop the old key."""

from django.core.management.base import BaseCommand, CommandError

from workspaces.secrets import SecretUnreadable, rotate_secrets


class Command(BaseCommand):
    help = "Encrypt every stored secret with the first of SECRETS_KEYS."

    def handle(self, *_args: object, **_options: object) -> None:
        try:
            rotated = rotate_secrets()
        except SecretUnreadable as error:
            raise CommandError(
                "A secret opens with none of SECRETS_KEYS: put the key that wrote it back, "
                "after the new one, and repeat."
            ) from error
        self.stdout.write(f"{rotated} secrets are encrypted with the newest key.")
