"""Riftwatch inside Airflow: the pages below ``/rift`` and an entry in the side bar.

Found by Airflow through the entry point ``airflow.plugins``. Every Airflow process imports this module, each task
too, so it imports nothing heavy: the pages are built when the first request for one arrives.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class Pages:
    """The application, built at its first request (in the api-server, never in a task)."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None
        self._lock = Lock()

    def _built(self) -> ASGIApp:
        with self._lock:
            if self._app is None:
                from pipeline.review.app import create_app
                from pipeline.settings import Settings

                self._app = create_app(Settings())
            return self._app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._built()(scope, receive, send)


class RiftwatchPlugin(AirflowPlugin):
    """Mounts the pages and adds the entry."""

    name = "riftwatch"
    # lists, as Airflow wants them: it takes an entry out that it can't load
    fastapi_apps = [{"app": Pages(), "url_prefix": "/rift", "name": "Riftwatch"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "Riftwatch",
            "href": "rift/ui/",
            "destination": "nav",
            "url_route": "rift",
            "nav_top_level": True,
            "icon": "rift/ui/static/icon.svg",
            "icon_dark_mode": "rift/ui/static/icon-dark.svg",
        }
    ]
