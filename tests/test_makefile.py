"""What `make` says on a machine that lacks something: one clear sentence."""

import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.settings import PROJECT_ROOT


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(PROJECT_ROOT / name, folder / name)
    return subprocess.run(["make", *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=60)


def fake_python(folder: Path, body: str) -> str:
    program = folder / "fake-python"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return f"PYTHON={program}"


def test_a_missing_python_is_named(tmp_path):
    answer = make(tmp_path, "install", "PYTHON=python9.9")
    assert answer.returncode != 0
    assert "python9.9 was not found: install Python 3.11, 3.12 or 3.13" in answer.stdout
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("target", ["run", "test"])
def test_both_commands_install_first(tmp_path, target):
    answer = make(tmp_path, "--dry-run", target)
    assert "-m venv --clear .venv" in answer.stdout


@pytest.mark.parametrize("version", ["(3, 9)", "(3, 14)"])
def test_a_python_of_another_version_is_named(tmp_path, version):
    real = shutil.which("python3")
    # the real interpreter, made to say that it is another version
    fake = fake_python(
        tmp_path,
        f'[ "$1" = -c ] && exec {real} -c "import sys; sys.version_info = {version} + (0, 0, 0); $2"; exec {real} "$@"',
    )
    answer = make(tmp_path, "install", fake)
    assert answer.returncode != 0
    assert f"is Python {version[1]}.{version[4:-1]} and Riftwatch needs 3.11 to 3.13" in answer.stderr


def test_a_python_without_venv_is_named(tmp_path):
    real = shutil.which("python3")
    fake = fake_python(tmp_path, f'case "$*" in *ensurepip*) exit 1;; esac; exec {real} "$@"')
    answer = make(tmp_path, "install", fake)
    assert answer.returncode != 0
    assert "can't make environments: install its venv package" in answer.stdout


def test_help_lists_the_targets(tmp_path):
    listed = make(tmp_path, "help").stdout
    assert all(name in listed for name in ("run", "test", "install", "lint", "bench", "docs"))
