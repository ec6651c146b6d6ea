"""What each role of a workspace may do, as data. Pages and forms ask here and nowhere else."""

from enum import StrEnum

from workspaces.models import Role


class Action(StrEnum):
    """What a person can want to do; named for the page or the operation that it opens."""

    SEE = "see"
    HANDLE_INCIDENTS = "handle_incidents"
    """Acknowledge, resolve, note."""
    HANDLE_RUNS = "handle_runs"
    """Waive a run; pause, resume and silence a monitor."""
    EDIT_MONITORS = "edit_monitors"
    EDIT_ROUTES = "edit_routes"
    EDIT_TOKENS = "edit_tokens"
    EDIT_RECEIVERS = "edit_receivers"
    """The addresses and secrets of the vendors whose webhooks are taken."""
    LOOK = "look"
    """Have a probe look now."""
    EDIT_PROBES = "edit_probes"
    """Where Luota itself looks, and with whose credentials."""
    EDIT_SECRETS = "edit_secrets"
    SEE_AUDIT = "see_audit"
    EDIT_MEMBERS = "edit_members"
    EDIT_WORKSPACE = "edit_workspace"


class NotAllowed(Exception):
    """The role of this member does not include the action."""

    def __init__(self, role: Role, action: Action) -> None:
        super().__init__(f"The role {role} may not {action.replace('_', ' ')}.")
        self.role, self.action = role, action


_VIEWER = frozenset({Action.SEE})
_OPERATOR = _VIEWER | {
    Action.HANDLE_INCIDENTS,
    Action.HANDLE_RUNS,
    Action.EDIT_MONITORS,
    Action.LOOK,
}
_ADMIN = _OPERATOR | {
    Action.EDIT_ROUTES,
    Action.EDIT_TOKENS,
    Action.EDIT_RECEIVERS,
    Action.EDIT_PROBES,
    Action.EDIT_SECRETS,
    Action.SEE_AUDIT,
    Action.EDIT_MEMBERS,
}
_OWNER = _ADMIN | {Action.EDIT_WORKSPACE}

MAY: dict[Role, frozenset[Action]] = {
    Role.VIEWER: _VIEWER,
    Role.OPERATOR: _OPERATOR,
    Role.ADMIN: _ADMIN,
    Role.OWNER: _OWNER,
}
"""Owner includes admin includes operator includes viewer."""


def may(role: Role | str, action: Action) -> bool:
    return action in MAY[Role(role)]


def require(role: Role | str, action: Action) -> None:
    """Raises NotAllowed."""
    if not may(role, action):
        raise NotAllowed(Role(role), action)
