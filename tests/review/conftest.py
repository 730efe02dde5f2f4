"""Airflow's api-server in the test's own process, with the pages and a filled store."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.settings import Settings
from pipeline.store.session import engine_for
from tests.airflow_home import prepare
from tests.review.filled import fill
from tests.review.visiting import airflow_server, browser, new_airflow, visit

__all__ = ["airflow_server", "browser", "new_airflow", "visit"]


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Airflow's home with its database made; nothing of Airflow may be imported before."""
    home = prepare(tmp_path_factory.mktemp("airflow"))
    with warnings.catch_warnings():
        # Airflow's own imports warn about its own dependencies
        warnings.simplefilter("ignore")
        from airflow.utils.db import initdb

        initdb()
    return home


@pytest.fixture(scope="session")
def review_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, dict[str, int]]]:
    """A filled store on SQLite, shared: pages only read. With the ids of documents by name."""
    folder = tmp_path_factory.mktemp("review")
    made = Settings(data=folder / "data", database_url="", monitors=folder / "monitors")
    yield made, fill(made)
    engine_for(made.database).dispose()


@pytest.fixture(scope="session")
def airflow_app(airflow_home: Path, review_store: tuple[Settings, dict[str, int]]):
    """Airflow's own application with our plugin found by its entry point, and the pages it mounted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from airflow.api_fastapi.app import create_app

        app = create_app(apps="core")
        mounted = next(r.app for r in app.routes if getattr(r, "path", "") == "/rift")
        from pipeline.review.app import create_app as create_pages

        mounted._app = create_pages(review_store[0])
    return app, mounted._app


@pytest.fixture(scope="session")
def token(airflow_app) -> Callable[[str | None], dict[str, str]]:
    """Role -> the header of a user who is logged in with it."""
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    manager = airflow_app[0].state.auth_manager

    def of(role: str | None) -> dict[str, str]:
        user = SimpleAuthManagerUser(username="ana", role=role)
        return {"Authorization": f"Bearer {manager.generate_jwt(user)}"}

    return of


@pytest.fixture(scope="session")
def client(airflow_app):
    """A client of Airflow's application; nobody is logged in."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from starlette.testclient import TestClient
    return TestClient(airflow_app[0], follow_redirects=False)


@pytest.fixture
def get(client, token):
    """Address below /rift -> the response a viewer gets."""

    def visit(address: str):
        return client.get("/rift" + address, headers=token("viewer"))

    return visit


@pytest.fixture
def on_store(airflow_app):
    """Settings -> the pages show that store until the test ends, such as one that the test may change."""
    pages, real = airflow_app[1], airflow_app[1].state.settings

    def show(settings: Settings) -> None:
        pages.state.settings = settings

    yield show
    pages.state.settings = real
