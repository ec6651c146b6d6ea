"""Pure: GitHub's webhooks. Only the body is signed: no time, so nothing is too old, and neither the event's name.

The delivery's id stays over redeliveries, so it is the key of idempotency. Bodies carry 20 kB of addresses and
people around the few facts that count: what is kept is the facts.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from evidence.findings import Found
from evidence.receivers.contract import OTHER, Cause, Delivery, Refused, Rule, find_rule
from evidence.receivers.reading import (
    event_id_of,
    ids_of,
    kind_of,
    object_of,
    part,
    text,
    time_of,
    unreadable,
)
from evidence.receivers.signatures import check_mac, from_hex, keys_of

VENDOR = "github"
HEADER = "x-hub-signature-256"
_EVENT = re.compile(r"[a-z][a-z0-9_]{0,59}")
_FORM = "application/x-www-form-urlencoded"

RULES = (
    Rule(
        match="workflow_run.*",
        kind="workflow_run.*",
        ids="workflow_run, workflow, check_suite, commit, repository",
        note="requested, in_progress, completed with payload.workflow_run.conclusion; "
        "the run's key is id.run_attempt",
    ),
    Rule(
        match="workflow_job.*",
        kind="workflow_job.*",
        ids="workflow_job, workflow_run, commit, repository",
        note="queued, waiting, in_progress, completed; run as of its workflow_run",
    ),
    Rule(
        match="deployment_status.*",
        kind="deployment_status.*",
        ids="deployment_status, deployment, workflow_run, commit, repository",
        note="payload.deployment_status.state says how it went",
    ),
    Rule(
        match="check_run.*",
        kind="check_run.*",
        ids="check_run, check_suite, external, commit, repository",
        note="created, completed with payload.check_run.conclusion, rerequested, requested_action",
    ),
    Rule(match="release.*", kind="release.*", ids="release, tag, repository"),
    Rule(match="ping", kind="github.ping", ids="hook, repository", note="the hook was made"),
)
_KNOWN = frozenset(rule.match.partition(".")[0] for rule in RULES)

_PATHS = {
    "workflow_run": (("workflow_run", "id"), ("workflow_job", "run_id")),
    "workflow": (("workflow_run", "workflow_id"),),
    "workflow_job": (("workflow_job", "id"),),
    "deployment": (("deployment", "id"),),
    "deployment_status": (("deployment_status", "id"),),
    "check_run": (("check_run", "id"),),
    "check_suite": (("workflow_run", "check_suite_id"), ("check_run", "check_suite", "id")),
    "external": (("check_run", "external_id"),),
    "release": (("release", "id"),),
    "tag": (("release", "tag_name"),),
    "hook": (("hook_id",),),
    "repository": (("repository", "full_name"),),
}
_TIMES = {
    "workflow_run.requested": ("workflow_run", "run_started_at"),
    "workflow_run": ("workflow_run", "updated_at"),
    "workflow_job.queued": ("workflow_job", "created_at"),
    "workflow_job.waiting": ("workflow_job", "created_at"),
    "workflow_job.in_progress": ("workflow_job", "started_at"),
    "workflow_job.completed": ("workflow_job", "completed_at"),
    "deployment_status": ("deployment_status", "updated_at"),
    "check_run.created": ("check_run", "started_at"),
    "check_run.completed": ("check_run", "completed_at"),
    "release.published": ("release", "published_at"),
    "release.created": ("release", "created_at"),
}
"""By event and action, else by event. Of the others the body does not tell when they happened."""


def verify(
    raw: bytes,
    headers: Mapping[str, str],
    secrets: Sequence[str],
    *,
    now: datetime,  # noqa: ARG001 - GitHub signs no time
) -> None:
    """`sha256=<hex>` of the body. Raises Refused."""
    keys = keys_of(secrets)
    scheme, _, code = headers.get(HEADER, "").strip().partition("=")
    if scheme != "sha256" or not code:
        raise Refused(Cause.NO_SIGNATURE, f"The {HEADER} header is missing; has the hook a secret?")
    check_mac([from_hex(code)], raw, keys)


def read(raw: bytes, headers: Mapping[str, str]) -> Delivery:
    """Raises Refused when it is no event."""
    event, delivery_id = headers.get("x-github-event", ""), headers.get("x-github-delivery", "")
    if not _EVENT.fullmatch(event) or not delivery_id:
        raise unreadable("The x-github-event or the x-github-delivery header is missing or odd.")
    body = _body(raw, headers)
    word = ".".join(filter(None, (event, text(body, "action"))))
    rule = find_rule(RULES, word)
    if event in _KNOWN and not isinstance(body.get("hook" if event == "ping" else event), dict):
        raise unreadable(f"The body does not carry what its header says: {event[:60]!r}.")
    commit = _commit(body, event)
    found = Found(
        kind=rule.kind if rule and "*" not in rule.kind else kind_of(word),
        ids=_ids(body, event, rule),
        occurred_at=time_of(part(body, *_TIMES.get(word, _TIMES.get(event, ("",))))),
        payload=_facts(body),
        summary=_line(word, body.get(event)),
        rule=rule.match if rule else OTHER,
        event_id=event_id_of(delivery_id),
        environment=text(body, "deployment_status", "environment")[:60],
        deploy_sha=commit if len(commit) <= 64 else "",
        run=_run(body),
    )
    return Delivery(id=delivery_id, found=(found,))


def _body(raw: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """A hook that was made by hand sends a form with the JSON in it, unless it was told otherwise."""
    if not headers.get("content-type", "").lower().startswith(_FORM):
        return object_of(raw)
    try:
        fields = parse_qs(raw.decode(), strict_parsing=True, max_num_fields=10)
    except ValueError as error:
        raise unreadable(f"The body is no form: {error}.") from None
    return object_of(fields.get("payload", [""])[0])


def _ids(body: dict[str, Any], event: str, rule: Rule | None) -> dict[str, str]:
    """Those that the rule names; of other events the repository and the id of what they are about."""
    candidates = {name: _first(body, *paths) for name, paths in _PATHS.items()}
    candidates["commit"] = _commit(body, event)
    if rule:
        return ids_of(**{name: value for name, value in candidates.items() if name in rule.names})
    own = {kind_of(event).replace(".", "_"): text(body, event, "id")}
    return ids_of(**own | {name: candidates[name] for name in ("repository", "commit")})


def _commit(body: dict[str, Any], event: str) -> str:
    """A deployment may be of another commit than the workflow that made it: the event's own comes first."""
    commit = _first(body, (event, "head_sha"), ("deployment", "sha"), ("after",))
    return commit if commit.strip("0") else ""


def _run(body: dict[str, Any]) -> str:
    """`id.attempt`: a second attempt is another run. "" when the body does not say which attempt it was."""
    attempt = _first(body, ("workflow_run", "run_attempt"), ("workflow_job", "run_attempt"))
    run_id = _first(body, *_PATHS["workflow_run"])
    return f"{run_id}.{attempt}" if run_id and attempt else ""


def _first(body: dict[str, Any], *paths: tuple[str, ...]) -> str:
    return next(filter(None, (text(body, *path) for path in paths)), "")


def _line(word: str, thing: object) -> str:
    """ "workflow_run.completed: failure (nightly report)"."""
    outcome = text(thing, "conclusion") or text(thing, "state")
    name = text(thing, "name") or text(thing, "tag_name")
    return f"{word}{f': {outcome}' if outcome else ''}{f' ({name})' if name else ''}"[:300]


def _facts(value: Any) -> Any:
    """The body without links between its parts; people and repositories by their name."""
    if isinstance(value, list):
        return [_facts(item) for item in value]
    if not isinstance(value, dict):
        return value
    for name, kept in (
        ("login", ("login", "type")),
        ("full_name", ("id", "full_name", "html_url")),
    ):
        if name in value:
            return {key: value[key] for key in kept if key in value}
    return {key: _facts(item) for key, item in value.items() if not _is_link(key)}


def _is_link(key: str) -> bool:
    return key in {"url", "node_id", "_links"} or (key.endswith("_url") and key != "html_url")
