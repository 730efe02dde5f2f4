"""Every job by hand: ``riftwatch ...``. The DAGs call the same functions.

Heavy libraries are imported inside the commands that need them: the command line starts in under a second
and never imports Airflow.
"""

from pipeline.cli import (  # noqa: F401 (each hangs its commands on the tree)
    alarms,
    archive,
    codings,
    collecting,
    criticism,
    explaining,
    exporting,
    framing,
    labelling,
    looking_back,
    measuring,
    models,
    promoting,
    proposing,
    running,
    searching,
    sheet,
    sources,
    trying,
)
from pipeline.cli.app import app


def main() -> None:
    """Entry point of the ``riftwatch`` command."""
    app()
