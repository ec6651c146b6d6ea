"""GitHub: its published signature, and bodies of @octokit/webhooks-examples (see examples/LICENSE.md)."""

import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest

from evidence.receivers import github
from tests.unit.receivers.deliveries import NOW, refused

EXAMPLES = Path(__file__).parent / "examples"
PUBLISHED = {
    "secret": "It's a Secret to Everybody",
    "raw": b"Hello, World!",
    "code": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
}
"""From GitHub's page on validating deliveries: none of our code made it."""
DELIVERY = "72d3162e-cc78-11e3-81ab-4c9367dc0958"


def example(name):
    return (EXAMPLES / f"{name}.json").read_bytes()


def headers_of(event, **more):
    return {"x-github-event": event, "x-github-delivery": DELIVERY, **more}


def found_in(name, event):
    (found,) = github.read(example(name), headers_of(event)).found
    return found


def check(raw=PUBLISHED["raw"], code=PUBLISHED["code"], secrets=(PUBLISHED["secret"],)):
    headers = {"x-hub-signature-256": code} if code is not None else {}
    github.verify(raw, headers, secrets, now=NOW)


def at(*parts):
    return datetime(*parts, tzinfo=UTC)


def test_the_signature_that_github_publishes_is_taken():
    check()


def test_while_secrets_are_rotated_each_of_them_is_good():
    check(secrets=("another", PUBLISHED["secret"]))
    check(secrets=(PUBLISHED["secret"], "another"))


def test_a_body_beyond_ascii_is_compared_byte_for_byte():
    raw = '{"name": "Prüfung ✓"}'.encode()
    check(raw, f"sha256={hmac.new(b'k', raw, 'sha256').hexdigest()}", ("k",))


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"raw": b"Hello, World?"}, "bad_signature"),
        ({"secrets": ("foreign",)}, "bad_signature"),
        ({"code": "sha256=zz"}, "bad_signature"),
        ({"code": "sha256=é"}, "bad_signature"),
        ({"code": None}, "no_signature"),
        ({"code": "sha256="}, "no_signature"),
        ({"code": PUBLISHED["code"].replace("sha256", "sha1")}, "no_signature"),
        ({"secrets": ("",)}, "no_secret"),
    ],
)
def test_what_github_did_not_sign_is_refused(change, cause):
    with refused(cause):
        check(**change)


def test_a_run_of_a_workflow_is_keyed_by_its_id_and_attempt():
    found = found_in("workflow_run_completed", "workflow_run")
    assert (found.kind, found.rule) == ("workflow_run.completed", "workflow_run.*")
    assert found.run == "289782451.1"
    assert found.ids == {
        "workflow_run": "289782451",
        "workflow": "2823525",
        "check_suite": found.ids["check_suite"],
        "commit": "3484a3fb816e0859fd6e1cea078d76385ff50625",
        "repository": "octo-org/octo-repo",
    }
    assert found.deploy_sha == "3484a3fb816e0859fd6e1cea078d76385ff50625"
    assert found.payload["workflow_run"]["conclusion"] == "success"


@pytest.mark.parametrize(
    ("name", "event", "occurred_at"),
    [
        ("workflow_run_completed", "workflow_run", at(2020, 10, 5, 16, 33, 49)),
        ("workflow_run_requested", "workflow_run", at(2020, 10, 5, 16, 33, 49)),
        ("workflow_job_completed", "workflow_job", at(2021, 8, 5, 10, 38, 16)),
        ("workflow_job_in_progress_without_attempt", "workflow_job", at(2021, 6, 15, 19, 22, 27)),
        ("deployment_status_of_workflow", "deployment_status", at(2022, 1, 3, 1, 28, 40)),
        ("check_run_completed", "check_run", at(2019, 5, 15, 15, 21, 12)),
        ("release_published", "release", at(2019, 5, 15, 15, 20, 53)),
        ("ping", "ping", None),
    ],
)
def test_it_happened_when_the_body_says(name, event, occurred_at):
    assert found_in(name, event).occurred_at == occurred_at


def test_a_job_belongs_to_the_run_and_attempt_of_its_workflow():
    found = found_in("workflow_job_completed", "workflow_job")
    assert found.run == "2202229078.1"
    assert found.ids.items() >= {("workflow_job", "289782451"), ("workflow_run", "2202229078")}
    assert found.payload["workflow_job"]["conclusion"] == "failure"
    assert found.payload["workflow_job"]["steps"][0]["name"]


def test_a_job_that_does_not_say_its_attempt_names_no_run():
    found = found_in("workflow_job_in_progress_without_attempt", "workflow_job")
    assert found.run == ""
    assert found.ids["workflow_run"] == "940463255"


def test_a_deployment_is_of_its_own_commit_though_another_one_made_it():
    found = found_in("deployment_status_of_workflow", "deployment_status")
    assert found.kind == "deployment_status.created"
    assert found.deploy_sha == "f95f852bd8fca8fcc58a9a2d6c842781e32a215e"
    assert found.environment == "github-pages"
    assert found.run == "289782451.1"
    assert found.payload["deployment_status"]["state"] == "in_progress"


def test_checks_releases_and_pings_carry_their_ids():
    assert found_in("check_run_completed", "check_run").ids["check_run"] == "128620228"
    assert found_in("release_published", "release").ids["tag"] == "0.0.1"
    ping = found_in("ping", "ping")
    assert (ping.kind, ping.ids["hook"]) == ("github.ping", "109948940")


def test_links_and_people_are_left_out_of_what_is_kept():
    kept = json.dumps(found_in("deployment_status_of_workflow", "deployment_status").payload)
    assert "api.github.com" not in kept
    assert '"login": "Codertocat"' in kept
    assert "21031067" not in kept


def test_a_hook_that_sends_forms_is_read_alike():
    raw = urlencode({"payload": example("workflow_run_completed")}).encode()
    headers = headers_of("workflow_run", **{"content-type": "application/x-www-form-urlencoded"})
    assert github.read(raw, headers).found == (found_in("workflow_run_completed", "workflow_run"),)


def test_an_unknown_event_is_kept_under_its_own_name():
    body = {"action": "Opened!", "issues": {"id": 7}, "repository": {"full_name": "a/b"}}
    (found,) = github.read(json.dumps(body).encode(), headers_of("issues")).found
    assert (found.kind, found.rule) == ("issues.opened", "other")
    assert found.ids == {"issues": "7", "repository": "a/b"}


def test_the_push_that_deletes_a_branch_is_of_no_commit():
    raw = json.dumps({"ref": "refs/heads/old", "after": "0" * 40, "deleted": True}).encode()
    (found,) = github.read(raw, headers_of("push")).found
    assert (found.kind, found.deploy_sha, found.ids) == ("push", "", {})


def test_a_redelivery_has_the_same_key():
    first = github.read(example("ping"), headers_of("ping"))
    again = github.read(example("ping"), headers_of("ping"))
    assert first.id == again.id == again.found[0].event_id == DELIVERY


@pytest.mark.parametrize(
    ("raw", "headers"),
    [
        (b"{", headers_of("workflow_run")),
        (b"[]", headers_of("workflow_run")),
        (b"{}", headers_of("workflow_run")),
        (b"{}", {"x-github-event": "ping"}),
        (b"{}", {"x-github-delivery": DELIVERY}),
        (b"{}", headers_of("invoice.paid")),
        (b"\xff", headers_of("push", **{"content-type": "application/x-www-form-urlencoded"})),
        (b"a=b", headers_of("push", **{"content-type": "application/x-www-form-urlencoded"})),
    ],
)
def test_what_is_no_event_is_unreadable(raw, headers):
    with refused("unreadable"):
        github.read(raw, headers)


def test_a_body_under_another_events_header_is_unreadable():
    """The header is not signed: who holds a signed body must not choose what it proves."""
    with refused("unreadable"):
        github.read(example("check_run_completed"), headers_of("workflow_run"))
