"""Pages of secrets: kept, replaced, thrown away, and what uses each. A value goes in and never comes out."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from workspaces import vault
from workspaces.access import MemberRequest, page_for
from workspaces.audit import actor_of
from workspaces.models import Secret
from workspaces.roles import Action
from workspaces.vault import LONGEST_SECRET


class _WriteOnly(forms.Textarea):
    """Never filled in, not even with what was just refused. A key file has lines, so it is no password field."""

    def format_value(self, value: object) -> str:  # noqa: ARG002 - Django's signature
        return ""


class ValueForm(forms.Form):
    value = forms.CharField(
        max_length=LONGEST_SECRET,
        strip=False,
        widget=_WriteOnly(attrs={"rows": 2, "spellcheck": "false", "autocomplete": "off"}),
        help_text="A token, a password, user:password, or the JSON object that a store asks for.",
    )

    def clean_value(self) -> str:
        """As it was pasted, but for the end of the last line, which no credential has."""
        given: str = self.cleaned_data["value"].replace("\r\n", "\n").strip("\n")
        if not given.strip() or "\x00" in given:
            raise forms.ValidationError("Give a value.")
        return given


class SecretForm(ValueForm):
    name = forms.CharField(max_length=120, help_text="For people: the billing API, read only.")
    field_order = ("name", "value")


@require_GET
@page_for(Action.SEE)
def listing(request: MemberRequest) -> HttpResponse:
    rows = vault.secrets_with_uses(request.membership.workspace_id)
    return render(request, "workspaces/secrets.html", {"section": "settings", "rows": rows})


@require_http_methods(["GET", "POST"])
@page_for(Action.EDIT_SECRETS)
def new(request: MemberRequest) -> HttpResponse:
    form = SecretForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            secret = vault.keep_secret(
                workspace_id=request.membership.workspace_id,
                name=form.cleaned_data["name"],
                plain=form.cleaned_data["value"],
                actor=actor_of(request),
                now=request.now,
            )
        except vault.SecretNameTaken:
            form.add_error("name", "Another secret of this workspace has this name.")
        else:
            messages.success(request, f"“{secret.name}” is kept.")
            return redirect("secret", secret.workspace_id, secret.pk)
    status = 422 if request.method == "POST" else 200
    context = {"section": "settings", "form": form}
    return render(request, "workspaces/secret_new.html", context, status=status)


@require_GET
@page_for(Action.SEE)
def secret(request: MemberRequest, secret_id: UUID) -> HttpResponse:
    return _page(request, _own(request, secret_id), ValueForm())


@require_POST
@page_for(Action.EDIT_SECRETS)
def replace(request: MemberRequest, secret_id: UUID) -> HttpResponse:
    found, form = _own(request, secret_id), ValueForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form, status=422)
    plain = form.cleaned_data["value"]
    vault.replace_secret(secret=found, plain=plain, actor=actor_of(request), now=request.now)
    messages.success(request, f"“{found.name}” has another value.")
    return redirect("secret", found.workspace_id, found.pk)


@require_POST
@page_for(Action.EDIT_SECRETS)
def delete(request: MemberRequest, secret_id: UUID) -> HttpResponse:
    """Refused while something uses it, by name."""
    found = _own(request, secret_id)
    try:
        vault.delete_secret(secret=found, actor=actor_of(request), now=request.now)
    except vault.SecretInUse as error:
        return _page(request, found, ValueForm(), status=409, said=f"It is not deleted: {error}")
    messages.success(request, f"“{found.name}” is deleted.")
    return redirect("secrets", found.workspace_id)


def _own(request: MemberRequest, secret_id: UUID) -> Secret:
    return get_object_or_404(Secret, pk=secret_id, workspace_id=request.membership.workspace_id)


def _page(
    request: MemberRequest, found: Secret, form: ValueForm, *, status: int = 200, said: str = ""
) -> HttpResponse:
    context = {
        "section": "settings",
        "secret": found,
        "uses": vault.uses_of(found),
        "form": form,
        "said": said,
    }
    return render(request, "workspaces/secret.html", context, status=status)
