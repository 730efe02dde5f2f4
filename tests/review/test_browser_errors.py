"""What a reader sees within Airflow's frame where a page is not there, not readable or not allowed."""

from __future__ import annotations

import pytest

from tests.review.addresses import DYAD
from tests.review.axe import violations

pytestmark = [
    pytest.mark.long,
    pytest.mark.browser,
    pytest.mark.airflow,
    pytest.mark.xdist_group("pages"),
    pytest.mark.filterwarnings("ignore"),
]

ASKS_FOR_A_CHANGE = """() => {
  const form = document.createElement("form");
  form.method = "post";
  document.body.append(form);
  form.submit();
}"""


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_failures_as_they_look(visit, mode):
    visitor = visit(mode=mode, user="vera")
    inner = visitor.page.frames[-1]

    def looks(name: str, said: str) -> None:
        visitor.sees(said)
        assert violations(inner) == [], name
        assert visitor.width_of_page()[0] <= visitor.width_of_page()[1], name
        visitor.shoots_as_seen(f"error-{name}")

    base = f"{visitor.address}/rift/ui/"
    assert inner.goto(base + "m/harbour/no-such-page").status == 404
    visitor.sees("Status 404")
    looks("404", "There is no such page")
    assert inner.goto(base + f"{DYAD}?period=eon").status == 422
    visitor.sees("Not understood")
    looks("422", "a value that can't be read")
    visitor.follows("To the overview")
    visitor.sees("A quarrel at the harbour")
    inner.goto(base + "m/harbour/new-source")
    visitor.sees("Your account reads only")
    with visitor.page.expect_response(lambda answer: answer.request.method == "POST") as answer:
        inner.evaluate(ASKS_FOR_A_CHANGE)
    assert answer.value.status == 403
    looks("403", "This account may read these pages and not change anything")
    visitor.follows("To the overview")
    visitor.sees("A quarrel at the harbour")
    assert [told for told in visitor.complaints if "the server responded with a status of" not in told] == []
