"""/v1/receivers: made, changed, disabled, deleted; secrets go in and never come out; all of it in the audit."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client

from evidence import known_receivers
from evidence.api import receivers
from evidence.api.receiver_shapes import NewSecret
from evidence.known_receivers import secrets_of
from evidence.models import UnplacedEvidence
from evidence.receiver_changes import ReceiverDraft
from evidence.receiver_models import Receiver
from luota.lib import clock
from monitors.models import Monitor
from tests.conftest import with_key
from tests.factories import MonitorFactory, ReceiverFactory
from tests.factories import deliveries as of
from tests.factories.deliveries import deliver
from workspaces.models import AuditEvent, TokenKind, Workspace

pytestmark = pytest.mark.django_db

GIVEN = "whsec_given_by_stripe_4711"
STRIPE = {"vendor": "stripe", "name": "Shop", "secret": GIVEN}


@pytest.fixture
def writer(key_of: Callable[[TokenKind], str]) -> Client:
    return with_key(key_of(TokenKind.WRITE))


def send(client: Client, method: str, url: str, body: dict[str, Any]) -> HttpResponse:
    return getattr(client, method)(url, json.dumps(body), content_type="application/json")


def make(writer: Client, **body: Any) -> Any:
    answer = send(writer, "post", "/v1/receivers", STRIPE | body)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_a_given_secret_is_never_told_again(writer: Client) -> None:
    made = make(writer)
    url = f"/v1/receivers/{made['id']}"

    told = json.dumps([made, writer.get("/v1/receivers").json(), writer.get(url).json()])

    assert GIVEN not in told
    assert made["secret"] is None
    assert [each["lastFour"] for each in made["secrets"]] == ["4711"]
    assert made["address"].endswith(f"/in/{made['id']}")
    assert GIVEN.encode() not in bytes(Receiver.objects.get().secrets)
    assert GIVEN not in json.dumps(list(AuditEvent.objects.values("changes", "object_label")))


def test_no_secret_stands_in_what_a_traceback_would_show(writer: Client) -> None:
    uid = UUID(make(writer)["id"])
    draft = ReceiverDraft(vendor="stripe", name="Shop", secret=GIVEN)

    held = [known_receivers.find_receiver(uid, now=clock.now()), draft, NewSecret(secret=GIVEN)]

    assert GIVEN not in repr(held)


def test_where_the_vendor_takes_ours_luota_makes_one_and_shows_it_once(writer: Client) -> None:
    made = make(writer, vendor="github", secret="")

    assert len(made["secret"]) >= 40
    assert made["secret"] not in writer.get(f"/v1/receivers/{made['id']}").content.decode()
    assert [held["secret"] for held in secrets_of(Receiver.objects.get())] == [made["secret"]]


def test_a_vendor_that_makes_its_own_gets_it_later(writer: Client) -> None:
    made = make(writer, secret="")
    assert (made["secret"], made["secrets"]) == (None, [])

    added = send(writer, "post", f"/v1/receivers/{made['id']}/secrets", {"secret": GIVEN})

    assert added.status_code == 201
    assert [each["lastFour"] for each in added.json()["secrets"]] == ["4711"]


def test_secrets_change_without_a_gap(writer: Client, job: Monitor) -> None:
    made = make(writer, monitorId=str(job.pk))
    url = f"/v1/receivers/{made['id']}/secrets"
    old, new = (of.stripe(clock.now(), secret=each) for each in (GIVEN, "whsec_new_0815_0815"))

    send(writer, "post", url, {"secret": new.secret})
    both = [deliver(made["id"], each).status_code for each in (old, new)]
    removed = writer.delete(f"{url}/{made['secrets'][0]['id']}")
    after = [deliver(made["id"], each).status_code for each in (old, new)]

    assert (both, removed.status_code, after) == ([200, 200], 200, [401, 200])
    assert [each["lastFour"] for each in removed.json()["secrets"]] == ["0815"]
    assert writer.delete(f"{url}/{made['secrets'][0]['id']}").status_code == 401


def test_public_keys_are_shown_and_several_are_good_at_once(writer: Client, job: Monitor) -> None:
    """They are no secret, and whoever compares them with the sender's page needs to see them."""
    now = clock.now()
    shared, sealed = of.standard_webhooks(now), of.standard_webhooks_public(now)
    words = {"vendor": "standard_webhooks", "secret": shared.secret, "monitorId": str(job.pk)}
    made = make(writer, **words)
    url = f"/v1/receivers/{made['id']}"

    before = deliver(made["id"], sealed)
    told = send(writer, "post", f"{url}/secrets", {"secret": sealed.secret}).json()
    after = [deliver(made["id"], each).status_code for each in (shared, sealed)]

    assert (before.status_code, before.json()["code"]) == (401, "no_signature")
    assert [each["publicKey"] for each in told["secrets"]] == [None, sealed.secret]
    assert shared.secret not in json.dumps(told)
    assert after == [200, 200]


def test_it_is_changed_disabled_enabled_and_deleted(writer: Client, job: Monitor) -> None:
    made = make(writer)
    url, good = f"/v1/receivers/{made['id']}", of.stripe(clock.now(), secret=GIVEN)

    changed = send(writer, "patch", url, {"name": "Test mode", "monitorId": str(job.pk)}).json()
    disabled = send(writer, "patch", url, {"disabled": True}).json()
    gone = deliver(made["id"], good).status_code
    enabled = send(writer, "patch", url, {"disabled": False}).json()
    taken = deliver(made["id"], good).status_code
    deleted = writer.delete(url).status_code

    assert (changed["name"], changed["monitorId"]) == ("Test mode", str(job.pk))
    assert disabled["disabledAt"] is not None
    assert enabled["disabledAt"] is None
    assert (gone, taken, deleted) == (410, 200, 204)
    assert deliver(made["id"], good).status_code == 404
    actions = AuditEvent.objects.order_by("pk").values_list("action", flat=True)
    assert [action for action in actions if action.startswith("receiver.")] == [
        f"receiver.{done}" for done in ("created", "updated", "disabled", "enabled", "deleted")
    ]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"vendor": "pigeon"}, "vendor"),
        ({"name": ""}, "name"),
        ({"secret": "short"}, "secret"),
        ({"settings": {"header": "x"}}, "settings"),
        ({"vendor": "generic_hmac", "settings": {"algorithm": "md5"}}, "settings"),
        ({"vendor": "generic_hmac", "settings": {"hedaer": "x"}}, "settings"),
        ({"vendor": "generic_hmac", "settings": {"header": "x signature"}}, "settings"),
        ({"vendor": "cloudevents", "settings": {"header": "x", "time_header": "x:"}}, "settings"),
        ({"vendor": "generic_hmac", "settings": {"ids": {"order no": "data.id"}}}, "settings"),
        ({"vendor": "generic_hmac", "settings": {"ids": {"n" * 61: "data.id"}}}, "settings"),
        ({"vendor": "ses", "secret": ""}, "settings"),
        ({"vendor": "ses", "settings": {"topic_arn": "arn:aws:sns:eu-west-1:1:b "}}, "settings"),
        ({"vendor": "ses", "settings": {"topic_arn": "arn:aws:sns:eu-west-1:1:"}}, "settings"),
        ({"vendor": "standard_webhooks", "secret": f"whpk_{'A' * 43}="}, "secret"),
        ({"vendor": "standard_webhooks", "secret": f"whsk_{'B' * 43}="}, "secret"),
        ({"vendor": "resend", "secret": "whsec_no base64!"}, "secret"),
        ({"vendor": "sendgrid", "secret": "MFkwEwYHKoZIzj0CAQYI"}, "secret"),
        ({"vendor": "otlp", "secret": "ein gehöriges"}, "secret"),
        ({"vendor": "ses", "settings": {"topic_arn": "arn:aws:sns:a:1:b"}}, "secret"),
        ({"monitorId": "01890000-0000-7000-8000-000000000000"}, "monitorId"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_receiver_is_refused(writer: Client, changes: dict[str, Any], field: str) -> None:
    answer = send(writer, "post", "/v1/receivers", STRIPE | changes)

    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert not Receiver.objects.exists()


def test_a_monitor_of_another_workspace_cannot_be_bound(writer: Client) -> None:
    foreign = str(MonitorFactory().pk)

    answer = send(writer, "post", "/v1/receivers", STRIPE | {"monitorId": foreign})

    assert (answer.status_code, answer.json()["field"]) == (422, "monitorId")


def test_a_name_is_used_once_in_a_workspace(writer: Client) -> None:
    ReceiverFactory(name="Shop")  # another workspace's
    make(writer)

    answer = send(writer, "post", "/v1/receivers", STRIPE)

    assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")


def test_the_sixth_secret_is_one_too_many(writer: Client) -> None:
    url = f"/v1/receivers/{make(writer)['id']}/secrets"
    answers = [send(writer, "post", url, {"secret": f"whsec_number_{n}"}) for n in range(5)]

    assert [each.status_code for each in answers] == [201, 201, 201, 201, 422]


def test_what_was_refused_is_listed_with_its_cause(writer: Client) -> None:
    made = make(writer)
    deliver(made["id"], of.stripe(clock.now()))

    listed = writer.get(f"/v1/receivers/{made['id']}/refused").json()

    (refused,) = listed["items"]
    assert (refused["cause"], refused["answer"]) == ("bad_signature", 401)
    assert (refused["repeats"], refused["times"]) == (None, 1)
    assert refused["sizeBytes"] == len(of.stripe(clock.now()).raw)
    assert len(refused["digest"]) == 64
    assert "invoice" not in json.dumps(refused)


def test_what_came_again_is_listed_with_what_was_answered_and_what_it_repeats(
    writer: Client,
) -> None:
    made = make(writer)
    delivery = of.stripe(clock.now(), secret=GIVEN)
    for _ in range(3):
        assert deliver(made["id"], delivery).status_code == 200

    (repeated,) = writer.get(f"/v1/receivers/{made['id']}/refused").json()["items"]

    assert (repeated["cause"], repeated["answer"], repeated["times"]) == ("repeated", 200, 2)
    assert repeated["repeats"] == str(UnplacedEvidence.objects.get().pk)


def test_what_is_foreign_is_not_there(writer: Client) -> None:
    url = f"/v1/receivers/{ReceiverFactory().pk}"

    calls = [writer.get(url), writer.delete(url), writer.get(f"{url}/refused")]
    calls += [send(writer, "post", f"{url}/secrets", {}), writer.delete(f"{url}/secrets/secret0")]
    calls += [send(writer, "patch", url, {"disabled": True})]

    assert {each.status_code for each in calls} == {401}
    assert Receiver.objects.get().disabled_at is None


@pytest.mark.parametrize("kind", [TokenKind.INGEST, TokenKind.READ])
def test_only_a_writing_token_changes(key_of: Callable[[TokenKind], str], kind: TokenKind) -> None:
    assert send(with_key(key_of(kind)), "post", "/v1/receivers", STRIPE).status_code == 403


def test_new_keys_reach_the_secrets_of_receivers(
    writer: Client, workspace: Workspace, settings: Any
) -> None:
    make(writer)
    newest = "bmV3ZXN0IGtleSBvZiB0aGlydHktdHdvIGJ5dGVzISE="
    settings.SECRETS_KEYS = [newest, *settings.SECRETS_KEYS]

    call_command("rotate_secrets")

    settings.SECRETS_KEYS = [newest]
    assert [held["secret"] for held in secrets_of(Receiver.objects.get())] == [GIVEN]


def test_a_receiver_that_is_deleted_while_it_is_changed_is_gone(
    writer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = ReceiverFactory(workspace=Workspace.objects.get())
    own = receivers.get_own

    def look_and_lose(*looked: Any) -> Any:
        found = own(*looked)
        Receiver.objects.all().delete()
        return found

    monkeypatch.setattr(receivers, "get_own", look_and_lose)

    answer = writer.delete(f"/v1/receivers/{receiver.pk}/secrets/x")

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorised")
