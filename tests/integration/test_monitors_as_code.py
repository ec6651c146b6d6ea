"""`apply` and `export`: made by name, changed only where they differ, told before, and audited."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from luota.portal.blueprints.shipped import shipped
from monitors.models import Monitor, Severity, Spec
from tests.factories import MembershipFactory, MonitorFactory, RouteFactory, WorkspaceFactory
from workspaces.models import AuditEvent, Role, Workspace

pytestmark = pytest.mark.django_db

REPORT = """\
name: Weekly report
promise: It is in the inbox.
mode: run
spec:
  within: 2m
  steps:
    - name: delivered
      kind: email.delivered
"""
SHIPPED = [f"blueprints/{slug}.yaml" for slug in sorted(shipped())]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "report.yaml"
    path.write_text(REPORT)
    return path


def run(*arguments: Any, **options: Any) -> str:
    out = StringIO()
    call_command(*map(str, arguments), stdout=out, skip_checks=True, **options)
    return out.getvalue()


def dry_run(*files: Any, **options: Any) -> tuple[str, int]:
    """What is printed, and the exit code."""
    out = StringIO()
    try:
        call_command(
            "apply", *map(str, files), stdout=out, dry_run=True, skip_checks=True, **options
        )
    except SystemExit as end:
        return out.getvalue(), int(end.code or 0)
    return out.getvalue(), 0


def test_a_monitor_is_made_as_the_file_says(workspace: Workspace, file: Path) -> None:
    assert run("apply", file).endswith("1 created, 0 updated, 0 unchanged.\n")

    monitor = Monitor.objects.select_related("spec").get()
    assert (monitor.name, monitor.workspace, monitor.severity) == (
        "Weekly report",
        workspace,
        Severity.HIGH,
    )
    assert monitor.spec.document["steps"][0]["kind"] == "email.delivered"
    assert AuditEvent.objects.get().action == "monitor.created"


def test_applying_again_changes_nothing(workspace: Workspace, file: Path) -> None:
    run("apply", file)

    assert "= Weekly report (keep)" in run("apply", file)

    assert (Spec.objects.count(), AuditEvent.objects.count()) == (1, 1)
    assert dry_run(file) == ("= Weekly report (keep)\n0 to create, 0 to update, 1 unchanged.\n", 0)


def test_a_change_is_told_field_by_field_and_line_by_line(workspace: Workspace, file: Path) -> None:
    run("apply", file)
    file.write_text(REPORT.replace("2m", "5m") + "severity: low\n")

    printed, code = dry_run(file)

    assert code == 2
    assert "    severity: (default) -> low\n" in printed
    assert "    -within: 2m\n    +within: 5m\n" in printed
    assert printed.endswith("0 to create, 1 to update, 0 unchanged.\n")
    assert Spec.objects.count() == 1


def test_a_change_of_rules_is_a_new_version_of_the_spec(workspace: Workspace, file: Path) -> None:
    run("apply", file)
    file.write_text(REPORT.replace("2m", "5m"))

    run("apply", file)

    monitor = Monitor.objects.select_related("spec").get()
    assert (monitor.spec.number, monitor.spec.document["within"]) == (2, "5m")


def test_a_dry_run_writes_nothing(workspace: Workspace, file: Path) -> None:
    printed, code = dry_run(file)

    assert code == 2
    assert printed.startswith("+ Weekly report (create)\n    name: Weekly report\n")
    assert not Monitor.objects.exists()


def test_owner_and_route_are_found_by_what_people_call_them(
    workspace: Workspace, file: Path
) -> None:
    ann = MembershipFactory(workspace=workspace, user__email="ann@example.org")
    route = RouteFactory(workspace=workspace, name="On call")
    file.write_text(f"{REPORT}owner: Ann@example.org\nroute: On call\n")

    run("apply", file)

    monitor = Monitor.objects.get()
    assert (monitor.owner, monitor.route) == (ann, route)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            "owner: bob@example.org",
            "report.yaml:9:1: owner: No member of this workspace is bob@example.org.",
        ),
        (
            "route: Nights",
            "report.yaml:9:1: route: No route is called “Nights”; there are: On call.",
        ),
        (f"---\n{REPORT}", "report.yaml:10:1: name: “Weekly report” is described before already."),
    ],
)
def test_what_the_workspace_does_not_know_is_refused_with_its_line(
    workspace: Workspace, file: Path, more: str, said: str
) -> None:
    RouteFactory(workspace=workspace, name="On call")
    MembershipFactory(user__email="bob@example.org")  # of another workspace
    file.write_text(f"{REPORT}{more}\n")

    with pytest.raises(CommandError) as refused:
        run("apply", file, workspace=str(workspace.pk))

    assert said in str(refused.value)
    assert not Monitor.objects.exists()


def test_another_mode_is_refused(workspace: Workspace, file: Path) -> None:
    MonitorFactory(workspace=workspace, name="Weekly report", mode="heartbeat")

    with pytest.raises(CommandError, match=r":3:1: mode: It is heartbeat; another mode is another"):
        run("apply", file)


def test_one_wrong_file_keeps_all_from_being_applied(workspace: Workspace, file: Path) -> None:
    wrong = file.with_name("wrong.yaml")
    wrong.write_text("name: x\npromise: y\nmode: walk\n")

    with pytest.raises(CommandError, match=r"wrong.yaml:3:1: mode: Give one of heartbeat, run"):
        run("apply", file, wrong)

    assert not Monitor.objects.exists()


def test_the_faults_of_all_files_are_told_at_once(workspace: Workspace, file: Path) -> None:
    file.write_text(f"{REPORT}route: Nights\n")
    wrong, late = file.with_name("wrong.yaml"), file.with_name("late.yaml")
    wrong.write_text("name: x\npromise: y\nmode: walk\nspec:\n  within: soon\n")
    late.write_text("name: [")

    with pytest.raises(CommandError) as refused:
        run("apply", file, wrong, "nowhere.yaml", late)

    lines = [line for line in str(refused.value).splitlines() if line[0] != " "]
    assert [line.rpartition("/")[2].split(": ")[:2] for line in lines] == [
        ["wrong.yaml:3:1", "mode"],
        ["wrong.yaml:5:3", "spec.within"],
        ["nowhere.yaml", "No such file or directory."],
        ["late.yaml:1:8", "This is not YAML"],
        ["report.yaml:9:1", "route"],
    ]
    assert not Monitor.objects.exists()


def test_a_file_that_is_not_there_is_said_in_words(workspace: Workspace) -> None:
    with pytest.raises(CommandError, match=r"nowhere.yaml: No such file or directory\."):
        run("apply", "nowhere.yaml")


def test_among_several_workspaces_one_is_named_by_id_or_name(file: Path) -> None:
    one, two = WorkspaceFactory(name="Shop One"), WorkspaceFactory(name="Shop Two")

    with pytest.raises(CommandError, match=f"{one.pk}  Shop One"):
        run("apply", file)
    for named in (two.pk, "shop-two", "Shop Two"):
        run("apply", file, workspace=str(named))

    assert Monitor.objects.get().workspace == two


def test_a_person_may_stand_in_the_audit_if_she_may_edit(workspace: Workspace, file: Path) -> None:
    owner = MembershipFactory(workspace=workspace, role=Role.OWNER.value)
    viewer = MembershipFactory(workspace=workspace, role=Role.VIEWER.value)

    with pytest.raises(CommandError, match="who may edit monitors"):
        run("apply", file, by=viewer.user.email)
    run("apply", file, by=owner.user.email)

    assert AuditEvent.objects.get().actor == owner.user


def test_what_is_exported_applies_back_to_nothing_changed(
    workspace: Workspace, tmp_path: Path
) -> None:
    run("apply", *SHIPPED)
    ann = MembershipFactory(workspace=workspace, user__email="ann@example.org")
    route = RouteFactory(workspace=workspace, name="On call: nights")
    Monitor.objects.filter(name="Restore drill").update(
        owner=ann, owner_label="a@b.example", route=route
    )
    exported = tmp_path / "all.yaml"
    exported.write_text(run("export"))

    printed, code = dry_run(exported)

    assert code == 0
    assert printed.endswith("0 to create, 0 to update, 8 unchanged.\n")


def test_an_export_of_one_monitor_holds_only_that(workspace: Workspace) -> None:
    run("apply", *SHIPPED)

    text = run("export", monitor=["Fresh data"])

    assert text.startswith("name: Fresh data\n")
    assert "---" not in text
    with pytest.raises(CommandError, match="No monitor is called “Stale data”"):
        run("export", monitor=["Stale data"])


def test_an_export_applies_to_another_workspace(workspace: Workspace, tmp_path: Path) -> None:
    run("apply", *SHIPPED)
    exported = tmp_path / "all.yaml"
    exported.write_text(run("export"))
    other = WorkspaceFactory(name="Staging")

    run("apply", exported, workspace="staging")

    assert other.monitors.count() == 8


def test_a_plan_costs_the_same_for_many(
    workspace: Workspace, django_assert_max_num_queries: Any
) -> None:
    run("apply", *SHIPPED)

    with django_assert_max_num_queries(5):
        dry_run(*SHIPPED)
