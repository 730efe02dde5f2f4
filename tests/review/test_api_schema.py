"""What the API's own description allows, and more, is asked: nothing ends in a fault of the program."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import HealthCheck, settings

from tests.review.test_app import OWN, VALUES

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import response_schema_conformance

pytestmark = [pytest.mark.airflow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="session")
def described(airflow_app, token):
    """The description, as a test generator that asks Airflow's application."""
    made = airflow_app[1].openapi() | {"servers": [{"url": "http://testserver/rift"}]}
    read = schemathesis.openapi.from_dict(made)
    read.app = airflow_app[0]
    return read


schema = schemathesis.pytest.from_fixture("described")


def test_the_description_is_behind_the_login_and_names_every_address(client, token, airflow_app):
    assert client.get("/rift/api/openapi.json").status_code == 401
    told = client.get("/rift/api/openapi.json", headers=token("viewer")).json()
    assert told["servers"] == [{"url": ".."}]
    served = {route.path for route in airflow_app[1].routes if route.path.startswith("/api/v1/")}
    assert served == set(told["paths"])
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            assert operation.get("description"), f"{method} {path} says nothing of itself"


@pytest.mark.long
def test_a_fault_would_be_found(airflow_app, token):
    def fault(number: int) -> int:
        """Fails for one number of the many that the description allows."""
        return 1 // (number + 1)

    pages = airflow_app[1]
    pages.add_api_route("/api/v1/fault", fault)
    pages.openapi_schema = None
    try:
        made = schemathesis.openapi.from_dict(pages.openapi() | {"servers": [{"url": "http://testserver/rift"}]})
        made.app = airflow_app[0]
        case = made["/api/v1/fault"]["GET"].Case(query={"number": -1})
        with pytest.raises(Exception, match="division"):
            case.call_and_validate(headers=token("user"), checks=[not_a_server_error])
    finally:
        pages.router.routes.pop()
        pages.openapi_schema = None


@pytest.mark.long
@schema.parametrize()
@settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)  # what is found is found again
def test_no_question_ends_in_a_fault(case, token, review_store):
    known = VALUES | {"document_id": review_store[1]["heron-en"]}
    reached = {name: known.get(name, value) for name, value in (case.path_parameters or {}).items()}
    for parameters in (dict(case.path_parameters or {}), reached):
        case.path_parameters = parameters
        answer = case.call(headers={**OWN, **token("user")})
        case.validate_response(answer, checks=[not_a_server_error, response_schema_conformance])
