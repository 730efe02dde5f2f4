"""The rules of the house that no type checker knows."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pipeline.monitor.events import KNOWN_RUPTURES
from pipeline.settings import PROJECT_ROOT

PACKAGES = ("pipeline", "classifiers")


def modules(*folders: str) -> list[Path]:
    return [f for folder in folders for f in sorted((PROJECT_ROOT / folder).rglob("*.py"))]


def imported(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def tops(file: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(file)}


def test_imports_go_only_downwards():
    program = Path(sys.executable).with_name("lint-imports")
    answer = subprocess.run(
        [program, "--no-logo", "--no-cache"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout


def test_a_wheel_holds_every_file_the_code_reads():
    """What is no module is shipped only by the patterns of pyproject.toml, and only from within a package."""
    told = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    patterns = told["package-data"]["*"]
    assert told["packages"]["find"]["include"] == [f"{name}*" for name in PACKAGES]
    data = [
        file
        for folder in PACKAGES
        for file in (PROJECT_ROOT / folder).rglob("*")
        if file.is_file() and file.suffix not in {".py", ".pyc", ".md"}  # the last are for readers of the code
    ]
    assert KNOWN_RUPTURES in data
    assert [file for file in data if not any(file.match(pattern) for pattern in patterns)] == []


def test_nothing_imports_dags():
    assert [f for f in modules(*PACKAGES) if "dags" in tops(f)] == []


def test_dags_hold_no_logic():
    """Airflow and its notifiers, our jobs, the list of codebooks and the clock: no SQL, no numpy, no network."""
    allowed = {"__future__", "airflow", "apprise", "classifiers", "datetime", "pathlib", "pipeline", "re", "typing"}
    assert {f.name: tops(f) - allowed for f in modules("dags") if tops(f) - allowed} == {}


def test_only_the_review_pages_know_airflow():
    know = {f.relative_to(PROJECT_ROOT).parts[1] for f in modules(*PACKAGES) if "airflow" in tops(f)}
    assert know <= {"review"}


def test_sql_lives_in_the_store():
    """Elsewhere only the types of a session and its errors may be named."""
    outside = [f for f in modules(*PACKAGES) if "store" not in f.relative_to(PROJECT_ROOT).parts]
    found = {str(f.relative_to(PROJECT_ROOT)): names for f in outside if (names := _sqlalchemy_names(f))}
    assert found == {}


def _sqlalchemy_names(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "sqlalchemy":
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.Import):
            names |= {a.name for a in node.names if a.name.partition(".")[0] == "sqlalchemy"}
    return {name for name in names if name != "Session" and not name.endswith("Error")}


@pytest.mark.parametrize("word", ["pickle", "joblib", "dill", "shelve", "marshal"])
def test_nothing_that_runs_code_is_loaded(word):
    assert [f for f in modules(*PACKAGES, "dags", "benchmarks") if word in tops(f)] == []


def test_every_module_says_what_it_is_for():
    silent = [
        f
        for f in modules(*PACKAGES, "dags", "benchmarks")
        if f.name != "__init__.py"
        and "versions" not in f.parts
        and not ast.get_docstring(ast.parse(f.read_text(encoding="utf-8")))
    ]
    assert silent == []


def compose(**secrets: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("docker-compose was not found: install Debian's package docker-compose")
    return subprocess.run(
        [program, "-f", "docker-compose.yml", "config"],
        cwd=PROJECT_ROOT,
        env={"PATH": "/usr/bin:/bin", **secrets},
        capture_output=True,
        text=True,
        check=False,
    )


SECRETS = {
    "RIFTWATCH_DB_PASSWORD": "a",
    "AIRFLOW_DB_PASSWORD": "b",
    "AIRFLOW_JWT_SECRET": "c",
    "AIRFLOW_SECRET_KEY": "d",
    "RIFTWATCH_CONTACT": "e",
}


def test_the_compose_file_is_well_formed():
    answer = compose(**SECRETS)
    assert answer.returncode == 0, answer.stderr
    assert "NEVER STARTED BY US" in (PROJECT_ROOT / "docker-compose.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("secret", SECRETS)
def test_the_compose_file_refuses_to_run_without_a_secret(secret):
    answer = compose(**{name: value for name, value in SECRETS.items() if name != secret})
    assert answer.returncode != 0
    assert f"{secret}" in answer.stderr
    assert "set it in .env" in answer.stderr
