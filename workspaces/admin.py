"""Support's view of who there is: people, workspaces, tokens by prefix, routes, the audit."""

from typing import Any

from allauth.account.admin import EmailAddress
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin  # noqa: F401 - registers what is taken away below
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from luota.lib import clock
from luota.lib.admin import BoundedPaginator, ReadingAdmin, stored_by_request
from luota.lib.shapes import find_uuid
from workspaces import audit
from workspaces.audit import actor_of
from workspaces.models import (
    AuditEvent,
    Channel,
    Membership,
    Route,
    RouteStep,
    Secret,
    Token,
    User,
    Workspace,
)
from workspaces.operations import record_change_of_user
from workspaces.tokens import PREFIX_LENGTH, revoke_token

RIGHTS = ("is_staff", "is_superuser", "user_permissions")


class ReadingInline(TabularInline):  # type: ignore[misc]  # unfold is not typed
    extra = 0
    can_delete = False
    show_change_link = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False


class MembershipInline(ReadingInline):
    model = Membership
    fields = ("user", "role", "created_at")


# Their libraries register them (on import, so it was done above). An address could be called verified
# there, and a group be given rights, without a word in the audit.
admin.site.unregister([EmailAddress, Group])


@admin.register(User)
class UserAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is not typed
    """People sign up by themselves; support may rename them, lock them out, make them staff."""

    fields = ("email", "name", "is_active", "is_staff", "is_superuser", "user_permissions")
    filter_horizontal = ("user_permissions",)
    list_display = ("email", "name", "is_active", "is_staff", "last_login")
    search_fields = ("email",)
    paginator = BoundedPaginator
    show_full_result_count = False
    ordering = ("-pk",)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:  # noqa: ARG002
        """A person is locked out, not erased: histories name her."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:  # noqa: ARG002
        """Rights are given by superusers alone: who may rename people must not promote herself."""
        return ["email"] if request.user.is_superuser else ["email", *RIGHTS]

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001
        obj.save(update_fields=[name for name in form.changed_data if name != "user_permissions"])

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        """Django calls it last, in the transaction of the page: now all is changed that will be."""
        super().save_related(request, form, formsets, change)
        record_change_of_user(
            user=form.instance,
            changes={
                name: [_plain(form.initial[name]), _plain(form.cleaned_data[name])]
                for name in form.changed_data
            },
            actor=actor_of(request),
            now=clock.now(),
        )


def _plain(value: Any) -> Any:
    """Permissions by their names, anything else as it is."""
    is_plain = isinstance(value, str | bool)
    return value if is_plain else sorted(permission.codename for permission in value)


@admin.register(Workspace)
class WorkspaceAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is not typed
    """Name and rates are support's business; the rest belongs to the members."""

    fields = ("id", "name", "rate_per_minute", "rate_per_hour", "created_at")
    readonly_fields = ("id", "created_at")
    list_display = ("name", "id", "created_at")
    search_fields = ("name__istartswith", "=id")
    paginator = BoundedPaginator
    show_full_result_count = False
    inlines = (MembershipInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Workspace | None = None) -> bool:  # noqa: ARG002
        return False

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Workspace, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001
        fields = tuple(form.changed_data)
        before = audit.snapshot(Workspace.objects.get(pk=obj.pk), fields)
        obj.save(update_fields=fields)
        audit.record(
            workspace_id=obj.pk,
            actor=actor_of(request),
            action="workspace.updated",
            target=obj,
            at=clock.now(),
            changes=audit.difference(before, audit.snapshot(obj, fields)),
        )


@admin.register(Token)
class TokenAdmin(ReadingAdmin):
    """Found by the visible prefix, or by a whole key that somebody sent along."""

    list_display = (
        "prefix",
        "name",
        "kind",
        "workspace",
        "last_used_at",
        "expires_at",
        "revoked_at",
    )
    list_select_related = ("workspace",)
    list_filter = ("kind",)
    exclude = ("digest",)
    actions = ("revoke",)
    search_help_text = "Prefix or id"

    def found_by(self, term: str) -> Q | None:
        pk = find_uuid(term)
        return Q(pk=pk) if pk else Q(prefix__startswith=term[:PREFIX_LENGTH])

    @admin.action(description="Revoke", permissions=["act"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[Token]) -> None:
        now, actor = clock.now(), actor_of(request)
        revoked = sum(revoke_token(token=token, actor=actor, now=now) for token in tokens)
        messages.success(request, f"{revoked} tokens revoked; it holds everywhere within 5 s.")


@admin.register(Membership)
class MembershipAdmin(ReadingAdmin):
    list_display = ("user", "workspace", "role", "created_at")
    list_select_related = ("user", "workspace")
    search_help_text = "Id or e-mail"

    def found_by(self, term: str) -> Q | None:
        pk = find_uuid(term)
        return Q(pk=pk) if pk else Q(user__email=term.lower())


@admin.register(Channel)
class ChannelAdmin(ReadingAdmin):
    list_display = ("name", "kind", "address", "workspace")
    list_select_related = ("workspace",)
    list_filter = ("kind",)
    exclude = ("secret",)


class RouteStepInline(ReadingInline):
    model = RouteStep
    fields = ("position", "channel", "delay")


@admin.register(Route)
class RouteAdmin(ReadingAdmin):
    list_display = ("name", "workspace", "is_default", "last_proven_at")
    list_select_related = ("workspace",)
    inlines = (RouteStepInline,)


@admin.register(AuditEvent)
class AuditEventAdmin(ReadingAdmin):
    list_display = ("at", "action", "object_label", "workspace", "actor", "token", "address")
    list_select_related = ("workspace", "actor", "token")
    search_help_text = "Id of the event, of the object or of the request"
    ordering = ("-pk",)

    def found_by(self, term: str) -> Q | None:
        pk = find_uuid(term)
        if pk is None:
            return None
        if AuditEvent.objects.filter(pk=pk).exists():
            return Q(pk=pk)
        by_request = stored_by_request(pk)
        return by_request if AuditEvent.objects.filter(by_request).exists() else Q(object_id=pk)


@admin.register(Secret)
class SecretAdmin(ReadingAdmin):
    """That it is there and who has it; what it is, nobody reads."""

    list_display = ("id", "name", "workspace", "last4", "created_at", "replaced_at")
    list_select_related = ("workspace",)
    exclude = ("sealed",)
    ordering = ("-pk",)
