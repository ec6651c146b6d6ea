"""Which workspace, and which person, a command of the terminal means."""

from django.utils.text import slugify

from luota.lib.shapes import find_uuid
from workspaces.audit import LUOTA, Actor
from workspaces.models import Membership, Role, Workspace
from workspaces.roles import MAY, Action


class Unclear(Exception):
    """The words name none, or more than one; the sentence lists what there is."""


def choose_workspace(named: str) -> Workspace:
    """By id, name, or the name as an address would write it; the only one when nothing is named."""
    found = [each for each in Workspace.objects.order_by("name", "pk") if _is_meant(each, named)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise Unclear(f"There is no workspace {named!r}." if named else "There is no workspace.")
    listed = "".join(f"\n  {each.pk}  {each.name}" for each in found[:20])
    raise Unclear(f"Which workspace? Name one with --workspace:{listed}")


def _is_meant(workspace: Workspace, named: str) -> bool:
    if not named:
        return True
    names = {workspace.name.lower(), slugify(workspace.name)}
    return workspace.pk == find_uuid(named) or named.lower() in names


def choose_actor(workspace: Workspace, email: str) -> Actor:
    """Who stands in the audit: a member who may edit monitors; nobody named is Luota itself."""
    if not email:
        return LUOTA
    members = Membership.objects.filter(workspace=workspace, user__email__iexact=email)
    member = members.select_related("user").first()
    if member is None or Action.EDIT_MONITORS not in MAY[Role(member.role)]:
        raise Unclear(f"{email} is no member of {workspace.name} who may edit monitors.")
    return Actor(user=member.user)
