from collections.abc import Iterator

import pytest

from pipeline.store.session import engine_for
from tests.e2e.demo_chain import Demo


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo world's whole chain, made once for all tests that look at it."""
    made = Demo(tmp_path_factory.mktemp("demo"))
    yield made
    engine_for(made.settings.database).dispose()
