from collections.abc import Iterator

import pytest

from pipeline.store.session import engine_for
from tests.e2e.demo_chain import Demo, hand_written


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The chain over the demo's hand-written texts, made once for all tests that look at it."""
    folder = tmp_path_factory.mktemp("demo")
    made = Demo(folder, hand_written(folder / "world"))
    yield made
    engine_for(made.settings.database).dispose()


@pytest.fixture(scope="session")
def whole_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The chain over all texts of the demo; takes a minute or two."""
    made = Demo(tmp_path_factory.mktemp("whole-demo"))
    yield made
    engine_for(made.settings.database).dispose()
