"""What sign-up means here: a person and the workspace that she owns. The rest is django-allauth."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.db import transaction
from django.http import HttpRequest

from luota.lib import clock
from workspaces.audit import Actor, address_of, request_id_of
from workspaces.models import User
from workspaces.operations import create_workspace


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is not typed strictly
    def save_user(
        self,
        request: HttpRequest,
        user: User,
        form: Any,
        commit: bool = True,  # noqa: FBT001, FBT002 - allauth's signature
    ) -> User:
        """Somebody who only signs up still has a place to make the first monitor in."""
        if not commit:
            return super().save_user(request, user, form, commit=False)  # type: ignore[no-any-return]
        with transaction.atomic():
            saved: User = super().save_user(request, user, form)
            actor = Actor(
                user=saved, address=address_of(request), request_id=request_id_of(request)
            )
            name = f"{saved.email.partition('@')[0]}'s workspace"[:120]
            create_workspace(name=name, owner=saved, actor=actor, now=clock.now())
        return saved
