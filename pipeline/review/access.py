"""Who may do what: Airflow's own users and rights, asked on every request.

A page is read by whoever may see Airflow's web site, and something is changed by whoever may edit the DAG that works
with codings (:data:`EDITED_DAG`): with the simple auth manager a viewer reads, a user writes; other auth managers give
the right per DAG.
"""

from __future__ import annotations

import hashlib
import re

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_view
from fastapi import Request
from starlette.exceptions import HTTPException

SAFE_METHODS = {"GET", "HEAD"}
EDITED_DAG = "count_codings"
"""The DAG whose right to edit stands for the right to code, to start a retraining and to try a new source."""

LONGEST_NAME = 60

_may_see = requires_access_view(AccessView.WEBSITE)


def admit(request: Request, user: GetUserDep) -> None:
    """Let a request in, or answer 401 (nobody is logged in) or 403 (no right). Stands on the application.

    Leaves on ``request.state``: ``user`` (the name in Airflow) and ``may_write``.
    """
    _may_see(request, user)
    may_write = get_auth_manager().is_authorized_dag(method="PUT", details=DagDetails(id=EDITED_DAG), user=user)
    request.state.user = user.get_name()
    request.state.may_write = may_write
    if request.method not in SAFE_METHODS and not may_write:
        raise HTTPException(403, "This account may read these pages and not change anything. Ask for a user's role.")


def coder_name(request: Request) -> str:
    """The name under which this user's codings are kept: the one in Airflow, without what no name may hold.

    Where that changes it, a few signs of its digest follow, so that two users are never one coder.
    """
    return kept_name(str(request.state.user))


def kept_name(user: str) -> str:
    """As :func:`coder_name`, of at most 60 characters."""
    name = re.sub(r"[^\w.@ -]", "_", user).strip()
    if name == user and 0 < len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(user.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{name[: LONGEST_NAME - 9] or 'unnamed'}-{digest}"


def reader_of(request: Request) -> str | None:
    """The coder from whom is kept what a blind answer must not know; None for whoever can't code."""
    return coder_name(request) if request.state.may_write else None
