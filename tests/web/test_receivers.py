"""The pages of receivers: choose the vendor, make it, see what it brought, refused and by which rules."""

import html
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from evidence.models import Evidence
from evidence.receiver_models import Receiver
from evidence.receivers.catalogue import VENDORS
from luota.lib import clock
from monitors.models import Monitor
from tests.factories import MonitorFactory, ReceiverFactory
from tests.factories import deliveries as of
from tests.factories.deliveries import deliver
from workspaces.models import Role, Workspace


@pytest.fixture
def job(workspace: Workspace) -> Monitor:
    """Every delivery opens its run."""
    return MonitorFactory(
        workspace=workspace, document={"within": "1h", "opens_on": list(of.KINDS)}
    )


@pytest.fixture
def pages(workspace: Workspace) -> str:
    return f"/w/{workspace.pk}/receivers/"


def shown_secret(page: Any) -> str:
    return page.content.decode().split('id="secret">')[1].split("<")[0]


def test_every_vendor_can_be_chosen_and_says_what_to_paste_where(
    member_client: Client, pages: str
) -> None:
    choice = member_client.get(f"{pages}new").content.decode()

    for vendor in VENDORS.values():
        form = member_client.get(f"{pages}new?vendor={vendor.name}")
        assert f"?vendor={vendor.name}" in choice
        assert form.status_code == 200
        assert ('name="secret"' in form.content.decode()) == bool(vendor.secret)


def test_a_secret_that_luota_made_is_shown_once(member_client: Client, pages: str) -> None:
    made = member_client.post(f"{pages}new", {"vendor": "github", "name": "CI"})
    receiver = Receiver.objects.get()
    later = member_client.get(f"{pages}{receiver.pk}").content.decode()

    secret = shown_secret(made)
    assert len(secret) >= 40
    assert made["Cache-Control"] == "no-store"
    assert secret not in later
    assert f"…{secret[-4:]}" in later
    assert f"/in/{receiver.pk}" in later


def test_a_given_secret_is_never_shown(member_client: Client, pages: str) -> None:
    given = {"vendor": "stripe", "name": "Shop", "secret": "whsec_given_4711_4711"}

    made = member_client.post(f"{pages}new", given, follow=True)

    assert made.status_code == 200
    assert given["secret"] not in made.content.decode()
    assert "…4711" in made.content.decode()


@pytest.mark.parametrize("vendor", ["standard_webhooks", "sendgrid"])
def test_a_public_key_is_shown_whole(member_client: Client, pages: str, vendor: str) -> None:
    now = clock.now()
    key = (of.standard_webhooks_public if vendor == "standard_webhooks" else of.sendgrid)(
        now
    ).secret
    given = {"vendor": vendor, "name": "Sender", "secret": key}

    made = member_client.post(f"{pages}new", given, follow=True).content.decode()

    assert html.escape(key) in made
    assert "public key" in made


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"vendor": "resend", "name": "a", "secret": f"whpk_{'A' * 43}="}, "of low order"),
        ({"vendor": "stripe", "name": ""}, "This field is required"),
        ({"vendor": "stripe", "name": "a", "secret": "short"}, "8 to 4096 characters"),
        ({"vendor": "ses", "name": "a", "topic": "mail"}, "arn:aws:sns"),
        ({"vendor": "generic_hmac", "name": "a", "settings": "{"}, "no JSON"),
        ({"vendor": "generic_hmac", "name": "a", "settings": '{"encoding": "x"}'}, "hex or base64"),
    ],
)
def test_a_wrong_form_says_what_is_wrong(
    member_client: Client, pages: str, given: dict[str, str], said: str
) -> None:
    answer = member_client.post(f"{pages}new", given)

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Receiver.objects.exists()


def test_the_page_shows_deliveries_refusals_and_rules(
    member_client: Client, pages: str, job: Monitor
) -> None:
    good = of.stripe(clock.now())
    receiver = ReceiverFactory(
        workspace=job.workspace, monitor=job, name="Shop", secrets_given=(good.secret,)
    )
    deliver(receiver.pk, good)
    deliver(receiver.pk, of.stripe(clock.now(), secret="whsec_of_a_stranger"))

    page = member_client.get(f"{pages}{receiver.pk}").content.decode()
    listing = member_client.get(pages).content.decode()
    run = member_client.get(
        f"/w/{job.workspace_id}/runs/{Evidence.objects.get().run_id}"
    ).content.decode()

    assert "invoice.paid" in page
    assert "bad_signature" in page
    assert "charge.dispute.*" in page
    assert f"/in/{receiver.pk}" in listing
    assert "rule <code>invoice.*</code>" in run


def test_what_came_again_is_told_beside_what_was_refused(
    member_client: Client, pages: str, job: Monitor
) -> None:
    good = of.stripe(clock.now())
    receiver = ReceiverFactory(workspace=job.workspace, monitor=job, secrets_given=(good.secret,))
    for _ in range(3):
        deliver(receiver.pk, good)

    page = member_client.get(f"{pages}{receiver.pk}").content.decode()

    assert "<code>repeated</code> Taken before as" in page
    assert "answered 200 · 2 times, here the last" in page
    assert str(Evidence.objects.get().pk) in page


def test_what_was_taken_and_waits_for_its_run_is_told_with_its_rule(
    member_client: Client, pages: str, workspace: Workspace
) -> None:
    """No monitor names the kind: answered 200, and still no evidence of a run."""
    good = of.stripe(clock.now())
    mine, other = (
        ReceiverFactory(workspace=workspace, name=name, secrets_given=(good.secret,))
        for name in ("Shop", "Other shop")
    )
    deliver(mine.pk, good)

    page, elsewhere = (
        member_client.get(f"{pages}{each.pk}").content.decode() for each in (mine, other)
    )

    assert "Taken, and without a run yet" in page
    assert "No monitor names this kind" in page
    assert "by the rule <code>invoice.*</code>" in page
    assert "without a run yet" not in elsewhere


def test_secrets_are_added_and_removed(member_client: Client, pages: str, workspace: Any) -> None:
    receiver = ReceiverFactory(workspace=workspace)
    page = f"{pages}{receiver.pk}"

    added = member_client.post(f"{page}/secrets", {"secret": "whsec_another_0815"}, follow=True)
    removed = member_client.post(f"{page}/secrets/secret0/remove", follow=True)
    again = member_client.post(f"{page}/secrets/secret0/remove", follow=True)
    short = member_client.post(f"{page}/secrets", {"secret": "x"})

    assert "…0815" in added.content.decode()
    assert "The secret is removed" in removed.content.decode()
    assert "removed before" in again.content.decode()
    assert (short.status_code, "8 to 4096" in short.content.decode()) == (422, True)


def test_it_is_disabled_enabled_and_deleted(
    member_client: Client, pages: str, workspace: Workspace
) -> None:
    page = f"{pages}{ReceiverFactory(workspace=workspace).pk}"

    off = member_client.post(f"{page}/turn", {"to": "off"}, follow=True).content.decode()
    on = member_client.post(f"{page}/turn", {"to": "on"}, follow=True).content.decode()
    question = member_client.get(f"{page}/delete").content.decode()
    member_client.post(f"{page}/delete")

    assert "the vendor is told 410" in off
    assert "the vendor is told 410" not in on
    assert "gone for good" in question
    assert not Receiver.objects.exists()


def test_only_monitors_of_the_workspace_are_offered(member_client: Client, pages: str) -> None:
    MonitorFactory(name="foreign monitor")

    assert "foreign monitor" not in member_client.get(f"{pages}new?vendor=otlp").content.decode()


def test_an_operator_sees_and_changes_nothing(
    client_as: Callable[[Role], Client], pages: str, workspace: Workspace
) -> None:
    page = f"{pages}{ReceiverFactory(workspace=workspace).pk}"
    operator = client_as(Role.OPERATOR)

    assert "New receiver" not in operator.get(pages).content.decode()
    assert "Add a secret" not in operator.get(page).content.decode()
    changes = ("secrets", "secrets/secret0/remove", "turn", "delete")
    assert {operator.post(f"{page}/{each}").status_code for each in changes} == {403}
    assert operator.get(f"{pages}new").status_code == 403


def test_pages_take_few_queries(
    member_client: Client, pages: str, workspace: Workspace, django_assert_max_num_queries: Any
) -> None:
    receivers = [ReceiverFactory(workspace=workspace) for _ in range(10)]

    with django_assert_max_num_queries(4):
        member_client.get(pages)
    with django_assert_max_num_queries(
        7
    ):  # session, person, memberships; receiver, brought, waiting, refused
        member_client.get(f"{pages}{receivers[0].pk}")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('{"header": "x\\u0000"}', "NUL"),
        ('{"ids": ' + "[" * 40 + "]" * 40 + "}", "nested deeper than 32"),
        ('{"header": NaN}', "no JSON"),
        ("[]", "Write a JSON object"),
    ],
)
def test_settings_that_cannot_be_kept_are_refused_at_their_field(
    member_client: Client, pages: str, written: str, said: str
) -> None:
    given = {"vendor": "generic_hmac", "name": "Backups", "settings": written}

    answer = member_client.post(f"{pages}new", given)

    assert (answer.status_code, said in answer.content.decode()) == (422, True)
    assert not Receiver.objects.exists()
