from pathlib import Path

import pytest

from pipeline.collect.kinds import DISCOVER, READ
from pipeline.monitor import load_monitor
from pipeline.settings import PROJECT_ROOT

EXAMPLES = sorted((PROJECT_ROOT / "monitors" / "examples").glob("*.yaml"))


def test_there_is_an_example_of_every_kind():
    assert {path.stem for path in EXAMPLES} == set(DISCOVER) | set(READ)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_valid(path: Path):
    monitor = load_monitor(path)
    assert {source.kind for source in monitor.sources} == {path.stem}


def test_every_kind_and_field_is_on_the_page():
    page = (PROJECT_ROOT / "docs" / "collecting.md").read_text(encoding="utf-8")
    for path in EXAMPLES:
        for source in load_monitor(path).sources:
            for name, field in type(source).model_fields.items():
                shown = field.alias or name
                assert f"`{shown}`" in page, f"{source.kind}: {shown}"
