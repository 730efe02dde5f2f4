"""A home for Airflow in tests: call :func:`prepare` before the first import of Airflow."""

import os
import sys
from pathlib import Path

_prepared: list[Path] = []


def prepare(folder: Path) -> Path:
    """Point Airflow at ``folder`` (SQLite, no examples, the simple login) and return its home.

    Airflow reads this once, when it is first imported: in one process the first call wins, and later ones return
    its folder. Raises RuntimeError when Airflow was imported before.
    """
    if _prepared:
        return _prepared[0]
    if "airflow.settings" in sys.modules:
        raise RuntimeError("Airflow was imported before tests.airflow_home.prepare was called; import it in the test")
    folder.mkdir(parents=True, exist_ok=True)
    os.environ |= {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(Path(__file__).parent.parent / "dags"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'airflow.db'}",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,ana:viewer",
        "AIRFLOW__API_AUTH__JWT_SECRET": "a secret for tests, long enough to sign with",
        "AIRFLOW__API__SECRET_KEY": "another secret for tests",
    }
    _prepared.append(folder)
    return folder
