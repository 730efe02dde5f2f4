import os
import subprocess
import sys

import pytest

from pipeline.environment import refuse_foreign_packages
from pipeline.settings import PROJECT_ROOT

CALL = "from pipeline.environment import refuse_foreign_packages as refuse; refuse()"


def test_our_own_environment_is_fine():
    refuse_foreign_packages()


@pytest.mark.parametrize("name", ["classifiers", "pipeline"])
def test_a_foreign_distribution_of_that_name_is_refused(tmp_path, name):
    (tmp_path / "other_tool-1.0.dist-info").mkdir()
    (tmp_path / "other_tool-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: other-tool\nVersion: 1.0\n"
    )
    (tmp_path / "other_tool-1.0.dist-info" / "top_level.txt").write_text(f"{name}\n")
    answer = subprocess.run(
        [sys.executable, "-c", CALL],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert f"the package {name} is also installed by other-tool" in answer.stderr


def test_a_foreign_folder_of_that_name_is_refused(tmp_path):
    (tmp_path / "classifiers").mkdir()
    (tmp_path / "classifiers" / "__init__.py").touch()
    answer = subprocess.run([sys.executable, "-c", CALL], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "the package classifiers would be imported from" in answer.stderr
