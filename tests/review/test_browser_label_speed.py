"""From a key to the next text, in a real browser behind Airflow's login, on a store of 100,000 texts."""

from __future__ import annotations

import pytest

from benchmarks import label_page, label_store
from pipeline.settings import Settings
from pipeline.store.session import engine_for
from tests.browser import CHROMIUM, MISSING
from tests.review.visiting import Visitor, start_server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.airflow,
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("pages"),
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture
def large_server(new_airflow, tmp_path):
    if CHROMIUM is None:
        pytest.skip(MISSING)
    made = Settings(data=tmp_path / "data", database_url="", monitors=tmp_path / "monitors")
    label_store.fill(made, 100_000, 20_000)
    home = tmp_path / "home"
    home.mkdir()
    yield from start_server(new_airflow, home, made)
    engine_for(made.database).dispose()


def test_the_next_text_is_there_in_less_than_150_milliseconds(large_server, browser):
    visitor = Visitor(browser, large_server, "light")
    try:
        visitor.opens(f"m/{label_store.NAME}/label")
        middle, most = label_page.percentiles(label_page.key_to_text(visitor.page, 40))
        told = f"key to next text at 100,000 texts: median {middle:.1f} ms, 95th percentile {most:.1f} ms"
        print(told)  # noqa: T201 (the figure is what this test is for; seen with -s or -rP)
        assert most < label_page.MOST_KEY_TO_TEXT
        assert visitor.complaints == []
    finally:
        visitor.context.close()
