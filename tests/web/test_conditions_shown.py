"""How pages show what only steps with conditions have: a batch in part, rules at fault, what must not happen."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from evidence.signals import Action
from incidents.models import Incident
from luota.lib import clock
from luota.portal.templatetags.portal import (
    fault_line,
    members_left,
    members_missing,
    verdict_words,
    with_code,
)
from monitors.conditions.values import State
from monitors.models import Monitor, Run
from tests.conftest import with_key
from tests.factories.moments import judge, tell
from tests.web.conftest import ACCESS, MINUTE, promise, say
from workspaces.models import Role, TokenKind, Workspace


def page_of_run(client: Client, monitor: Monitor) -> str:
    run = Run.objects.get(monitor=monitor)
    return client.get(f"/w/{monitor.workspace_id}/runs/{run.pk}").content.decode()


def page_of_file(client: Client, monitor: Monitor) -> str:
    number = Incident.objects.get(monitor=monitor).number
    return client.get(f"/w/{monitor.workspace_id}/incidents/{number}").content.decode()


def section(page: str, title: str) -> str:
    return page.split(f">{title}</h2>")[1].split("</section>", maxsplit=1)[0]


def words_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_the_file_of_a_batch_in_part_names_the_missing_members(
    member_client: Client, partial: Monitor
) -> None:
    page = page_of_file(member_client, partial)

    missing = section(page, "First missing step")
    assert "2 of 30 members have met it" in words_of(missing)
    assert "<li><code>cus_0</code></li>" in missing
    assert "<code>cus_3</code>" not in missing
    assert missing.count("<li><code>cus_") == 20
    assert "and 8 more" in missing


def test_the_strip_counts_members_and_names_the_first(
    member_client: Client, partial: Monitor
) -> None:
    for page in (page_of_run(member_client, partial), page_of_file(member_client, partial)):
        proof = words_of(section(page, "Proof"))
        assert "2 of 30 members" in proof
        assert "missing cus_0 , cus_1 , cus_2 and others" in proof
        assert "not proven" in proof


def test_a_file_about_rules_says_so_and_leads_to_their_line(
    member_client: Client, sick: Monitor
) -> None:
    page = page_of_file(member_client, sick)

    fault = section(page, "The rules are at fault")
    assert "line 2, column" in fault
    assert "not of the workflow that they watch" in fault
    link = re.search(r'href="([^"]*rules/edit[^"]*)"', fault)
    assert link
    editor = member_client.get(link[1].replace("&amp;", "&"))
    marked = next(line for line in editor.context["around"] if line.sign == "▶")
    assert marked.text.strip() == "&& access.payload.plan > 3"


def test_a_step_that_cannot_be_judged_has_a_mark_and_words_of_its_own(
    member_client: Client, sick: Monitor
) -> None:
    proof = section(page_of_run(member_client, sick), "Proof")

    assert "<title>cannot be judged</title>" in proof
    assert "The monitor’s rules are at fault" in words_of(proof)
    assert "line 2, column" in proof
    assert "was due" not in proof


def test_a_viewer_is_led_to_rules_that_she_may_read(
    client_as: Callable[[Role], Client], sick: Monitor
) -> None:
    page = page_of_file(client_as(Role.VIEWER), sick)

    assert "rules/edit" not in page
    assert f'href="/w/{sick.workspace_id}/monitors/{sick.pk}/rules"' in section(
        page, "The rules are at fault"
    )


def test_a_file_tells_what_the_check_read_that_says_no(
    member_client: Client, workspace: Workspace, began_at: datetime
) -> None:
    monitor = promise(workspace, began_at, ACCESS | {"check": "access.payload.plan == 'pro'"})
    say(monitor, "access", began_at, payload={"plan": "<free>"})
    judge(at=began_at + 31 * MINUTE)

    missing = section(page_of_file(member_client, monitor), "First missing step")

    assert "<code>access.payload.plan</code> was <code>&quot;&lt;free&gt;&quot;</code>." in missing


def test_what_must_not_happen_is_told_by_whether_it_did(
    member_client: Client, workspace: Workspace, began_at: datetime
) -> None:
    step = {"name": "refund", "claim": "A refund", "kind": "refund", "absent": True, "within": "4h"}
    done = {"name": "done", "claim": "It is done", "kind": "done"}
    monitor = promise(workspace, began_at, step, done)
    tell(monitor, Action.START, at=began_at, external_run_id="b-1")
    judge(at=began_at + MINUTE)

    before = section(page_of_run(member_client, monitor), "Proof")
    say(monitor, "refund", began_at + 2 * MINUTE)
    judge(at=began_at + 3 * MINUTE)
    after = section(page_of_run(member_client, monitor), "Proof")

    assert "A refund must not happen has not happened , watched until" in words_of(before)
    assert "<title>has not happened</title>" in before
    assert "A refund must not happen happened" in words_of(after)


def test_what_must_stay_true_says_for_how_long(
    member_client: Client, workspace: Workspace, began_at: datetime
) -> None:
    step = {"name": "up", "claim": "It is up", "kind": "up", "stays_for": "3h", "within": "6h"}
    monitor = promise(workspace, began_at, step)
    say(monitor, "up", began_at)
    judge(at=began_at + MINUTE)

    proof = section(page_of_run(member_client, monitor), "Proof")

    assert "true so far , must stay so for 3h" in words_of(proof)


def test_programs_are_told_the_same(
    partial: Monitor, sick: Monitor, key_of: Callable[[TokenKind], str]
) -> None:
    client = with_key(key_of(TokenKind.READ))
    steps = {}
    for monitor in (partial, sick):
        run = Run.objects.get(monitor=monitor)
        steps[monitor] = client.get(f"/v1/runs/{run.pk}").json()["steps"][0]

    assert (steps[partial]["met"], steps[partial]["wanted"]) == (2, 30)
    assert steps[sick]["verdict"] == "broken"
    assert steps[sick]["fault"].startswith("line 2, column")


def test_a_run_that_rules_cannot_judge_is_not_blamed_on_our_blindness(
    member_client: Client, sick: Monitor, sighted: None
) -> None:
    judge(at=clock.now())
    assert Run.objects.get(monitor=sick).state == State.UNKNOWN

    base = f"/w/{sick.workspace_id}"
    pages = [page_of_run(member_client, sick), page_of_file(member_client, sick)]
    pages += [
        member_client.get(f"{base}/{each}").content.decode() for each in ("", f"monitors/{sick.pk}")
    ]

    told = [
        words_of(page.split("Line of time")[0] if "Four truths" in page else page) for page in pages
    ]
    assert all("rules are at fault" in words for words in told)
    assert "blind at the" not in told[0]
    assert "The rules are at fault: it cannot be judged." in told[0].split("Customer")[1]
    assert "the rules are at fault: it cannot be judged" in told[2]


def test_what_is_missing_of_a_batch_is_told_in_short_where_it_is_one_of_many(
    member_client: Client, partial: Monitor
) -> None:
    page = page_of_file(member_client, partial)

    row = section(page, "Affected runs")
    assert (
        "<code>result.visible[cus_0], result.visible[cus_1], result.visible[cus_2] and 17 more</code>"
        in row
    )


# ── the words ───────────────────────────────────────────────────────────────────────────────────
NOW = datetime.fromisoformat("2026-03-02T10:00:00+00:00")
LATER = (NOW + timedelta(hours=1)).isoformat()


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"verdict": "broken"}, "cannot be judged"),
        ({"verdict": "broken", "absent": True}, "cannot be judged"),
        ({"verdict": "holding"}, "true so far"),
        ({"verdict": "not_yet", "due_at": LATER}, "not due yet"),
        ({"verdict": "not_yet"}, "not proven"),
        ({"verdict": "holding", "absent": True}, "has not happened"),
        ({"verdict": "met", "absent": True}, "did not happen"),
        ({"verdict": "violated", "absent": True}, "happened"),
        ({"verdict": "met"}, "met"),
    ],
)
def test_each_verdict_has_its_words(step: dict[str, Any], words: str) -> None:
    assert verdict_words(step, NOW) == words


@pytest.mark.parametrize(
    ("step", "named", "left"),
    [
        ({"met": 1, "wanted": 3, "missing": ["row[a]", "row[b]"]}, ["a", "b"], 0),
        ({"met": 1, "wanted": 9, "missing": ["a.b[x[0]]"]}, ["x[0]"], 7),
        ({"met": 1, "wanted": 3, "missing": ["row[2 more]"]}, [], 2),
        ({"met": 3, "wanted": 3, "missing": []}, [], 0),
        ({"met": 0, "wanted": 1, "missing": ["expected.members"]}, [], 1),
    ],
)
def test_members_are_read_from_paths(step: dict[str, Any], named: list[str], left: int) -> None:
    assert members_missing(step) == named
    assert members_left(step) == left


def test_paths_of_other_steps_name_no_members() -> None:
    assert members_missing({"missing": ["access.payload.items[0]"]}) == []


def test_a_fault_without_a_line_leads_nowhere() -> None:
    assert fault_line({"fault": "line 12, column 3: x"}) == "12"
    assert fault_line({"fault": "x"}) == fault_line({}) == ""


@pytest.mark.parametrize(
    ("sentence", "html"),
    [
        (
            "`a` is none; did you mean `<b>`?",
            "<code>a</code> is none; did you mean <code>&lt;b&gt;</code>?",
        ),
        ("one ` alone & more", "one ` alone &amp; more"),
        ("plain", "plain"),
    ],
)
def test_what_stands_in_backticks_is_code(sentence: str, html: str) -> None:
    assert with_code(sentence) == html
