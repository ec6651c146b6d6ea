"""Pages about whether a spec is right: holes, the ledger, why."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from evidence.signals import Action
from luota.lib import clock
from monitors.models import Monitor, Run, Spec
from tests.factories import RunFactory
from tests.factories.moments import judge, tell
from tests.web.conftest import MINUTE, RESTORE, Drill
from workspaces.models import Role, User


def page_of(monitor: Monitor, tail: str) -> str:
    return f"/w/{monitor.workspace_id}/monitors/{monitor.pk}/{tail}"


def why_of(run: Run, at: str = "") -> str:
    return f"/w/{run.workspace_id}/runs/{run.pk}/why" + (f"?at={quote(at)}" if at else "")


def prove(drill: Drill) -> None:
    at = drill.began_at + 40 * MINUTE
    tell(drill.monitor, Action.EVIDENCE, at=at, kind="restore_check", external_run_id="drill-1")
    judge(at=at + MINUTE)


# ── what nobody would notice ──────────────────────────────────────────────────────────────────
def test_the_rules_lead_to_what_nobody_would_notice(member_client: Client, drill: Drill) -> None:
    page = member_client.get(page_of(drill.monitor, "rules")).content.decode()

    assert f'hx-get="{page_of(drill.monitor, "mutation")}"' in page
    assert f'href="{page_of(drill.monitor, "mutation")}"' in page


def test_the_section_is_a_page_and_a_fragment(member_client: Client, drill: Drill) -> None:
    prove(drill)
    address = page_of(drill.monitor, "mutation")
    page = member_client.get(address).content.decode()
    fragment = member_client.get(address, headers={"HX-Request": "true"}).content.decode()

    assert "<html" in page
    assert fragment.startswith('<section id="mutation"')
    assert "ways to spoil the proof of" in fragment


def test_without_a_proof_it_says_what_is_needed(member_client: Client, drill: Drill) -> None:
    page = member_client.get(page_of(drill.monitor, "mutation")).content.decode()

    assert "No kept run is proven by the rules in force." in page


# ── the ledger ────────────────────────────────────────────────────────────────────────────────
def test_the_ledger_draws_each_comfort_and_says_it_in_words(
    member_client: Client, drill: Drill
) -> None:
    overview = member_client.get(page_of(drill.monitor, "")[:-1]).content.decode()
    page = member_client.get(page_of(drill.monitor, "ledger")).content.decode()

    assert f'hx-get="{page_of(drill.monitor, "ledger")}"' in overview
    assert 'aria-label="dump: green in 1 of 1 failures"' in page
    assert 'width="100.0%"' in page
    assert 'aria-label="reported: green in 0 of 1 failures"' in page


def test_the_pages_cost_a_few_queries(
    member_client: Client, drill: Drill, django_assert_num_queries: Any
) -> None:
    prove(drill)
    # session, person, memberships, monitor; ledger
    with django_assert_num_queries(5):
        member_client.get(page_of(drill.monitor, "ledger"))
    # …, monitor; run in time or (here) late; blind windows, pauses, blind probes, evidence
    with django_assert_num_queries(10):
        member_client.get(page_of(drill.monitor, "mutation"))
    # …, run; blind windows, pauses, blind probes, evidence
    with django_assert_num_queries(8):
        member_client.get(why_of(drill.run))


# ── who may see ───────────────────────────────────────────────────────────────────────────────
def test_all_members_see_what_is_found_out_and_nobody_else(
    client_as: Callable[[Role], Client], drill: Drill
) -> None:
    viewer, theirs = client_as(Role.VIEWER), RunFactory()
    pages = [page_of(drill.monitor, each) for each in ("ledger", "mutation")]
    assert [viewer.get(each).status_code for each in (*pages, why_of(drill.run))] == [200] * 3

    foreign = [page_of(theirs.monitor, each) for each in ("ledger", "mutation")]
    smuggled = why_of(theirs).replace(str(theirs.workspace_id), str(drill.run.workspace_id))
    addresses = (*foreign, why_of(theirs), smuggled)
    assert [viewer.get(each).status_code for each in addresses] == [404] * 4


# ── why ───────────────────────────────────────────────────────────────────────────────────────
def test_the_run_leads_to_the_instant_of_each_letter(member_client: Client, drill: Drill) -> None:
    page = member_client.get(f"/w/{drill.run.workspace_id}/runs/{drill.run.pk}").content.decode()

    for move in drill.run.moves.all():
        address = why_of(drill.run, move.at.isoformat()).replace("%3A", "%3A")
        assert address in page
        told = member_client.get(address).content.decode()
        assert f'<span class="chip mono">{move.letter}</span>' in told.split('class="lede"')[1][:60]


def test_evidence_that_was_received_later_is_explained_when_it_was_known(
    member_client: Client, drill: Drill
) -> None:
    said, received = drill.began_at + 40 * MINUTE, drill.began_at + 50 * MINUTE
    words = {"kind": "restore_check", "external_run_id": "drill-1", "occurred_at": said}
    tell(drill.monitor, Action.EVIDENCE, at=received, **words)
    judge(at=received)

    page = member_client.get(f"/w/{drill.run.workspace_id}/runs/{drill.run.pk}").content.decode()

    assert why_of(drill.run, received.isoformat()) in page
    assert (
        "Proven</span><span>at"
        in member_client.get(why_of(drill.run, received.isoformat())).content.decode()
    )
    now = member_client.get(why_of(drill.run)).content.decode()
    assert f"?at={quote(received.isoformat())}" in now.split("How it got there")[1]
    assert "min late." in now.split('class="lede"')[1].split("</p>")[0]
    before = member_client.get(why_of(drill.run, said.isoformat())).content.decode()
    assert "Overdue</span><span>at" in before
    assert "1 came later and count for nothing here" in before


def test_the_tree_names_what_was_missing_and_who_vouched(
    member_client: Client, drill: Drill
) -> None:
    tree = member_client.get(why_of(drill.run)).content.decode().split('class="why"')[1]

    assert RESTORE in tree
    assert "<code>restore_check</code>" in tree
    assert '<span class="strength">receipt</span> from api' in tree


def test_values_that_a_condition_read_are_shown_and_escaped(
    member_client: Client, drill: Drill
) -> None:
    steps = [
        {
            "name": "dump",
            "kind": "dump",
            "check": "dump.payload.bytes > 50 && dump.payload.note != ''",
        }
    ]
    Spec.objects.update(document={"within": "30m", "steps": steps})
    spec = Spec.objects.get()
    fresh = Spec.objects.create(
        workspace=spec.workspace, monitor=spec.monitor, number=2, document=spec.document
    )
    Run.objects.update(spec=fresh)

    tree = member_client.get(why_of(drill.run)).content.decode()

    assert (
        "<code>dump.payload.bytes &gt; 50 &amp;&amp; dump.payload.note != &#x27;&#x27;</code>"
        in tree
    )
    assert "<code>dump.payload.bytes</code> is <code>42</code>" in tree
    assert '<code>dump.payload.note</code> <span class="missing">missing</span>' in tree


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("", ""),
        ("yesterday", "“yesterday” is no instant, so this is the present."),
        ("2026-03-29 12:00", "“2026-03-29 12:00” is no instant"),
        ("9998-01-01T00:00:00+00:00", "That lies ahead, so this is the present."),
    ],
)
def test_an_instant_that_is_none_or_lies_ahead_is_the_present_and_is_said_so(
    member_client: Client, drill: Drill, at: str, said: str
) -> None:
    answer = member_client.get(why_of(drill.run, at))

    page = answer.content.decode()
    assert answer.status_code == 200
    assert f"{clock.now():%-d %b, %H:}" in page.split('class="state-line"')[1].split("</div>")[0]
    assert said in page
    assert ('role="alert"' in page) is bool(said)


def test_what_looked_healthy_is_told_in_its_own_words(member_client: Client, drill: Drill) -> None:
    tell(drill.monitor, Action.SUCCESS, at=clock.now() - MINUTE, external_run_id="drill-1")

    page = member_client.get(why_of(drill.run)).content.decode()

    healthy = page.split("What looked healthy")[1].split("</section>")[0]
    assert "The dump exited with 0" in healthy
    assert "The run reported success" in healthy
    early = member_client.get(why_of(drill.run, drill.began_at.isoformat())).content.decode()
    healthy = early.split("What looked healthy")[1].split("</section>")[0]
    assert "not seen" in healthy
    assert "The run reported success" not in healthy


def test_a_waiver_is_explained_with_its_reason_its_end_and_whose_decision_it_was(
    member_client: Client, owner: User, drill: Drill
) -> None:
    address = f"/w/{drill.run.workspace_id}/runs/{drill.run.pk}/waive"
    before = clock.now()
    told = member_client.post(address, {"reason": "Refunded by hand", "length": "8h"}, follow=True)
    assert "Waived. Its state follows" in told.content.decode()
    judge(at=clock.now())

    page = member_client.get(why_of(drill.run)).content.decode()
    lede = page.split('class="lede"')[1].split("</p>")[0]
    assert '<span class="chip mono">I</span> A person waived it: Refunded by hand.' in lede
    assert "then it is judged again." in lede
    assert f"By {owner}." in lede
    assert "Waived</span>" in page.split('class="state-line"')[1].split("</div>")[0]
    assert RESTORE in page.split('class="why"')[1]
    earlier = member_client.get(why_of(drill.run, before.isoformat())).content.decode()
    assert "Overdue</span>" in earlier
    assert "Refunded by hand" not in earlier
    run = member_client.get(address.removesuffix("/waive")).content.decode()
    assert f"by {owner}" in run.split("<dt>Waived</dt>")[1].split("</dd>")[0]


def test_a_run_that_was_waived_has_not_recovered_and_waits_for_nothing(
    member_client: Client, drill: Drill
) -> None:
    run = f"/w/{drill.run.workspace_id}/runs/{drill.run.pk}"
    member_client.post(f"{run}/waive", {"reason": "Refunded by hand", "length": ""})
    judge(at=clock.now())

    file = f"/w/{drill.run.workspace_id}/incidents/{drill.incident.number}"
    affected = member_client.get(file).content.decode().split('id="affected-title"')[1]
    assert "waived <time" in affected.split("</section>")[0]
    assert "recovered" not in affected.split("</section>")[0]
    overview = member_client.get(page_of(drill.monitor, "")[:-1]).content.decode()
    for page in (affected.split("</section>")[0], overview):
        assert "waits for" not in page


def test_reasons_name_a_step_by_what_it_claims(member_client: Client, drill: Drill) -> None:
    page = member_client.get(why_of(drill.run)).content.decode()

    assert f"“{RESTORE}” was not met in time." in page.split('class="lede"')[1].split("</p>")[0]


def test_before_anything_was_heard_nothing_had_moved_it(
    member_client: Client, drill: Drill
) -> None:
    at = drill.began_at - timedelta(hours=1)
    page = member_client.get(why_of(drill.run, at.isoformat())).content.decode()

    assert "Nothing had moved it." in page
    assert "No evidence of it had been received." in page


def test_rules_that_cannot_be_read_any_more_are_said_so(
    member_client: Client, drill: Drill
) -> None:
    spec = Spec.objects.get()
    bad = Spec.objects.create(
        workspace=spec.workspace, monitor=spec.monitor, number=2, document={"within": "soon"}
    )
    Run.objects.update(spec=bad)

    answer = member_client.get(why_of(drill.run))

    assert answer.status_code == 200
    assert "cannot be read any more" in answer.content.decode()
