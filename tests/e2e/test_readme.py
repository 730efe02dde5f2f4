"""Every command and every file that README.md and docs/ show is tried."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from pipeline.monitor import load_monitor
from pipeline.settings import PROJECT_ROOT

pytestmark = pytest.mark.xdist_group("demo")

README = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [PROJECT_ROOT / "README.md", *sorted((PROJECT_ROOT / "docs").glob("*.md"))]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


COMMANDS = [line for block in blocks(README, "sh") for line in block.splitlines() if line.strip()]
RUN_ELSEWHERE = {
    "make run": "tests/e2e/test_up.py",
    "make test": ".ci/run",
    "source .venv/bin/activate": "Makefile",
}


def test_the_readme_has_its_two_commands():
    assert {"make run", "make test"} <= set(COMMANDS)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in RUN_ELSEWHERE])
def test_every_command_of_the_readme_runs(demo, command):
    program, *arguments = shlex.split(command)
    assert program == "riftwatch"
    answer = demo.riftwatch(*arguments)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip()


@pytest.mark.parametrize(("command", "where"), RUN_ELSEWHERE.items())
def test_the_other_commands_are_run_elsewhere(command, where):
    text = (PROJECT_ROOT / where).read_text(encoding="utf-8")
    words = {"make run": '["make", "run"', "source .venv/bin/activate": "venv --clear $(VENV)"}.get(command, command)
    assert words in text


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_within_the_prose_exist(demo, page):
    text = page.read_text(encoding="utf-8")
    for target in set(re.findall(r"`make ([a-z-]+)", text)):
        subprocess.run(["make", "-n", target], cwd=PROJECT_ROOT, check=True, capture_output=True)
    for words in set(re.findall(r"`riftwatch ((?:[a-z-]+ ?)+)", text)):
        known = [w for w in words.split() if w not in {"import"}] if words.startswith("codings") else words.split()
        answer = demo.riftwatch(
            *known[:2] if known[0] in {"archive", "codings", "demo", "label", "model", "source"} else known[:1],
            "--help",
        )
        assert answer.returncode == 0, (page, words, answer.stderr)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_monitor_that_is_shown_is_right(page, tmp_path):
    for i, block in enumerate(blocks(page.read_text(encoding="utf-8"), "yaml")):
        if block.lstrip("# ").startswith(("name:", "yaml-language-server")):
            file = tmp_path / f"{i}.yaml"
            file.write_text(block, encoding="utf-8")
            load_monitor(file)


def test_the_monitor_of_the_readme_has_about_thirty_lines():
    (block,) = blocks(README, "yaml")
    assert len(block.splitlines()) <= 32


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_leads_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), (page.name, target)
