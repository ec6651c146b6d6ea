"""Each shipped blueprint through the door and the evaluator: the kept promise, and what the file of the quiet one says."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from evidence.findings import Found
from evidence.intake import entry_of, store
from evidence.placing import signal_of
from evidence.signals import Action
from incidents.models import Incident
from incidents.sentences import headline
from luota.portal.blueprints.shipped import shipped
from monitors.conditions.rules import CLOSE, PING, START, Mode, Strength
from monitors.models import Monitor, Run
from tests.factories.blueprints import SCENES, Scene, Told
from tests.factories.moments import instant, judge, sender_of, tell, watched

pytestmark = pytest.mark.django_db

ACTIONS = {START: Action.START, CLOSE: Action.SUCCESS, PING: Action.PING}
QUIET = [(slug, place) for slug in SCENES for place in range(len(SCENES[slug].quiet))]


def monitor_of(slug: str) -> Monitor:
    found = shipped()[slug].blueprint
    since = SCENES[slug].begins_at - timedelta(seconds=1)
    return watched(
        found.mode, since=since, document=found.spec, name=found.name, promise=found.promise
    )


def tell_all(monitor: Monitor, scene: Scene, signals: tuple[Told, ...]) -> None:
    for signal in signals:
        at = scene.begins_at + timedelta(minutes=signal.after)
        words: dict[str, Any] = dict(signal.words)
        if monitor.mode == Mode.RUN:
            words["external_run_id"] = "r-1"
        if signal.kind not in ACTIONS:
            words["kind"] = signal.kind
        if signal.age is not None:
            words["fresh_as_of"] = at - timedelta(minutes=signal.age)
        action = ACTIONS.get(signal.kind, Action.EVIDENCE)
        tell(monitor, action, at=at, strength=signal.strength, source=signal.source, **words)


@pytest.mark.parametrize("slug", SCENES)
def test_what_the_comments_say_is_sent_proves_the_promise_and_opens_no_file(slug: str) -> None:
    scene, monitor = SCENES[slug], monitor_of(slug)
    tell_all(monitor, scene, scene.kept)

    judge(at=scene.begins_at + timedelta(minutes=scene.proven_after + 1))

    run = Run.objects.get()
    assert run.state == "proven"
    assert not Incident.objects.exists()


@pytest.mark.parametrize(("slug", "place"), QUIET)
def test_the_file_of_the_quiet_failure_says_what_looked_healthy_and_what_is_missing(
    slug: str, place: int
) -> None:
    scene, quiet, monitor = SCENES[slug], SCENES[slug].quiet[place], monitor_of(slug)
    tell_all(monitor, scene, quiet.told)

    judge(at=scene.begins_at + timedelta(minutes=quiet.after, seconds=1))

    file = Incident.objects.get()
    hint = next((s.get("retry_hint") for s in steps(monitor) if s["name"] == quiet.step), None)
    assert (file.cause, file.step) == (quiet.cause, quiet.step)
    assert headline(file).startswith(f"{monitor.name}: {quiet.sentence}")
    assert hint is None or file.quote["retry"]["hint"] == hint


def steps(monitor: Monitor) -> list[dict[str, Any]]:
    return monitor.spec.document.get("steps", []) if monitor.spec else []


def test_a_script_that_never_started_is_missed() -> None:
    monitor_of("scheduled-scripts")

    judge(at=instant("2026-03-02 03:16"))

    assert Incident.objects.get().cause == "missed"


def test_a_drifted_state_says_what_can_be_retried_and_with_which_ids() -> None:
    scene, monitor = SCENES["state-drift"], monitor_of("state-drift")
    quiet = scene.quiet[0]
    tell_all(monitor, scene, quiet.told)

    judge(at=scene.begins_at + timedelta(minutes=quiet.after))

    retry = Incident.objects.get().quote["retry"]
    assert retry["external_ids"]["external"] == "sh_1"
    assert (retry["host"], retry["deploy_sha"]) == ("worker-3", "9f2c51e")


def test_stripe_itself_opens_the_run_of_an_invoice_and_the_message_id_brings_the_receipt() -> None:
    monitor, at = monitor_of("billing-access"), SCENES["billing-access"].begins_at
    minute = timedelta(minutes=1)
    find(monitor, "invoice.payment_failed", "stripe", at=at, ids={"invoice": "in_1"})
    expected = {"subscription": "past_due", "plan": "free"}
    run: dict[str, Any] = {"external_run_id": "in_1"}
    tell(monitor, Action.START, at=at, expected=expected, **run)
    for kind, words in (
        ("handler_returned_200", {}),
        ("subscription_state", {"payload": {"status": "past_due"}}),
        ("entitlement", {"payload": {"plan": "free"}}),
        ("mail_accepted", {"ids": {"message": "m-1"}}),
    ):
        tell(monitor, Action.EVIDENCE, at=at + minute, kind=kind, **words, **run)
    find(monitor, "email.delivered", "resend", at=at + 2 * minute, ids={"message": "m-1"})

    judge(at=at + 3 * minute)

    assert [(each.key, each.state) for each in Run.objects.all()] == [("in_1", "proven")]


def test_a_handler_that_never_ran_is_missed_by_stripes_own_event() -> None:
    monitor, at = monitor_of("billing-access"), SCENES["billing-access"].begins_at
    find(monitor, "invoice.payment_failed", "stripe", at=at, ids={"invoice": "in_1"})

    judge(at=at + timedelta(minutes=6))

    file = Incident.objects.get()
    assert (file.cause, file.step) == ("unproven", "subscription_state")


def find(monitor: Monitor, kind: str, source: str, *, at: datetime, ids: dict[str, str]) -> None:
    """What a receiver found, to be placed."""
    sender = sender_of(monitor, strength=Strength.ATTESTED, source=source)
    signal = signal_of(sender, Found(kind=kind, occurred_at=at, ids=ids))
    with connection.cursor() as cursor:
        store(cursor, [entry_of(signal, now=at)])
