"""The repository's own rules."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.apps import apps
from django.urls import URLPattern, get_resolver

from luota.celery import app, clockwork

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ["luota", "workspaces", "monitors", "evidence", "incidents"]
LONGEST_FILE, LONGEST_FUNCTION = 350, 40
FORBIDDEN_NAMES = {"utils", "helpers", "common", "services", "managers", "constants", "exceptions"}


def sources(*folders):
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return [
        ROOT / name
        for name in tracked
        if name.startswith(tuple(f"{folder}/" for folder in folders))
        and "/migrations/" not in name
        and (ROOT / name).exists()
    ]


OWN_CODE = sources(*PACKAGES)
ALL_CODE = sources(*PACKAGES, "tests", "bench", "examples", "docs")


def functions(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_no_file_is_longer_than_a_reader_can_hold():
    long = {
        str(p.relative_to(ROOT)): n
        for p in ALL_CODE
        if (n := len(p.read_text().splitlines())) > LONGEST_FILE
    }

    assert not long


def test_no_function_is_longer_than_a_screen():
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in OWN_CODE
        for node in functions(path)
        if node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    ]

    assert not long


def test_every_module_says_its_place_in_the_flow():
    silent = [
        str(path.relative_to(ROOT))
        for path in OWN_CODE
        if path.name not in {"__init__.py", "apps.py", "urls.py"}
        and not ast.get_docstring(ast.parse(path.read_text()))
    ]

    assert not silent


def test_modules_are_named_for_what_they_hold():
    assert not [path for path in OWN_CODE if path.stem in FORBIDDEN_NAMES]


def test_no_import_hides_inside_a_function():
    hidden = [
        f"{path.relative_to(ROOT)}:{inner.lineno}"
        for path in OWN_CODE
        for node in functions(path)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]

    assert not hidden


def test_no_row_that_exists_is_saved_whole():
    bare = re.compile(r"\.save\(\)")

    assert not [str(p.relative_to(ROOT)) for p in OWN_CODE if bare.search(p.read_text())]


def test_migrations_are_free_of_application_code():
    importing = re.compile(
        r"^(?:from|import) (workspaces|monitors|evidence|incidents)\b", re.MULTILINE
    )
    migrations = [p for package in PACKAGES for p in (ROOT / package).rglob("migrations/*.py")]

    assert migrations
    assert not [p for p in migrations if importing.search(p.read_text())]


def own_tasks():
    app.loader.import_default_modules()
    return [t for name, t in app.tasks.items() if name.split(".")[0] in PACKAGES]


def test_every_task_has_a_queue_that_a_process_of_the_procfile_serves():
    served = {re.search(r"--queues (\S+)", line)[1] for line in procfile() if "--queues" in line}
    queues = {queue for names in served for queue in names.split(",")}

    tasks = {task.name for task in own_tasks()}

    assert tasks
    assert tasks == set(app.conf.task_routes)
    assert {route["queue"] for route in app.conf.task_routes.values()} <= queues


def test_every_beat_entry_names_a_task_and_expires_before_its_next_tick():
    names = {task.name for task in own_tasks()}

    for entry in clockwork.conf.beat_schedule.values():
        assert entry["task"] in names
        assert entry["options"]["expires"] < entry["schedule"].total_seconds()


def test_the_beat_sends_to_the_same_queues_and_loads_no_application():
    assert clockwork.conf.task_routes == app.conf.task_routes
    look = (
        "import sys; from luota.celery import clockwork; clockwork.finalize(auto=True);"
        " clockwork.loader.init_worker(); assert clockwork.conf.broker_url;"
        " sys.exit('django.db.models' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", look], cwd=ROOT, check=False).returncode == 0


def procfile():
    return (ROOT / "Procfile").read_text().splitlines()


def test_every_setting_of_the_environment_is_listed_for_the_operator():
    read = set(re.findall(r"""env\.\w+\(\s*["'](\w+)""", (ROOT / "luota/settings.py").read_text()))
    listed = set(
        re.findall(r"^#? ?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    )

    assert read <= listed


def test_every_address_has_a_name():
    nameless = []

    def walk(patterns, prefix=""):
        for pattern in patterns:
            if isinstance(pattern, URLPattern):
                if pattern.name is None and not prefix.startswith("admin/"):
                    nameless.append(prefix + str(pattern.pattern))
            else:
                walk(pattern.url_patterns, prefix + str(pattern.pattern))

    walk(get_resolver().url_patterns)

    assert not nameless


def test_every_command_of_the_readme_is_one_of_the_makefile():
    commands = set(
        re.findall(r"(?:^|`)make ([a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE)
    )
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert {"run", "test"} <= commands
    assert commands <= targets


def test_ci_runs_what_the_readme_says_and_nothing_else():
    lines = [
        line.strip()
        for line in (ROOT / ".ci/run").read_text().splitlines()
        if line.strip() and not line.startswith(("#", "set ", "cd "))
    ]

    assert lines == ["make check", "make test"]


def test_every_dependency_says_what_it_is_for():
    text = (ROOT / "pyproject.toml").read_text()
    block = text[text.index("\ndependencies = [") : text.index("\n]\n")]

    assert all("#" in line for line in block.splitlines() if line.strip().startswith('"'))
    assert tomllib.loads(text)["project"]["dependencies"]


@pytest.mark.parametrize("lock", ["run.txt", "dev.txt"])
def test_locks_name_no_registry(lock):
    text = (ROOT / "requirements" / lock).read_text()

    assert "--hash=sha256:" in text
    assert "://" not in text


def test_decision_records_are_short():
    records = list((ROOT / "docs" / "adr").glob("*.md"))

    assert records
    assert not [r.name for r in records if len(r.read_text().split()) > 400]


def test_constraints_and_indexes_are_named_by_us():
    for model in apps.get_models():
        if model._meta.app_label in PACKAGES:
            names = [c.name for c in [*model._meta.constraints, *model._meta.indexes]]
            assert all(names)
