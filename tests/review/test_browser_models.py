"""The pages of the models in a real browser."""

from __future__ import annotations

import re

import pytest

from tests.review import filling_models

pytestmark = [
    pytest.mark.long,
    pytest.mark.browser,
    pytest.mark.airflow,
    pytest.mark.xdist_group("pages"),
    pytest.mark.filterwarnings("ignore"),
]


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_from_the_list_to_a_model(visit, mode):
    visitor = visit(mode=mode)
    visitor.follows("Models")
    visitor.sees("Every change of the model in force")
    visitor.shoots("models")
    visitor.follows(filling_models.NEW)
    visitor.sees("The bridge: what its promotion changed here")
    visitor.shoots("model")
    needs, gives = visitor.width_of_page()
    assert needs <= gives
    assert visitor.complaints == []


def test_what_airflow_answers_to_the_button_is_said_in_words(visit):
    visitor = visit()
    visitor.follows("Models")
    visitor.frame.get_by_label("Note for whoever decides").first.fill("after the winter's codings")
    visitor.frame.get_by_role("button", name="Start a retraining").first.click()
    # this server has no scheduler, so Airflow has never read the DAG
    visitor.sees("Airflow does not know the DAG yet")
    assert visitor.frame.get_by_label("Note for whoever decides").first.input_value() == "after the winter's codings"


def test_a_run_that_was_started_here_leads_to_its_question_in_airflow(visit):
    visitor = visit()
    visitor.follows("Models")
    run = "manual__2026-01-02T06:30:00+00:00"
    states = {"/dagRuns": {"dag_run_id": run}, "/taskInstances/approve": {"state": "awaiting_input"}}

    asked = set()

    def answer(route):
        dag, path = re.search(r"/api/v2/dags/(retrain__[a-z]+)(.*)", route.request.url).groups()
        asked.add(dag)
        known = next((said for end, said in states.items() if path.endswith(end)), None)
        route.fulfill(json=known or {"is_paused": False, "state": "running"})

    # whichever codebook stands first: other tests of the session may have coded another one
    visitor.page.route(re.compile(r"/api/v2/dags/retrain__"), answer)
    visitor.frame.get_by_role("button", name="Start a retraining").first.click()
    visitor.frame.get_by_text("It waits for a person.").first.wait_for(timeout=60_000)
    visitor.shoots("models-waiting")
    visitor.follows("Its question in Airflow")
    (dag,) = asked
    told = f"/dags/{dag}/runs/manual__2026-01-02T06%3A30%3A00%2B00%3A00/tasks/approve/required_actions"
    visitor.page.wait_for_url(f"**{told}")
    assert visitor.page.locator("iframe").count() == 0


def test_a_viewer_has_no_button(visit):
    visitor = visit(user="vera")
    visitor.follows("Models")
    visitor.sees("Your account reads only")
    assert visitor.frame.get_by_role("button", name="Start a retraining").count() == 0
