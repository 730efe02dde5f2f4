import pytest

from pipeline.settings import Settings, run_of_airflow


def test_the_database_stands_in_the_data_folder_unless_named(tmp_path):
    assert Settings(data=tmp_path, database_url="").database == f"sqlite:///{tmp_path / 'riftwatch.db'}"
    assert Settings(data=tmp_path, database_url="postgresql+psycopg://h/n").database == "postgresql+psycopg://h/n"


def test_variables_are_read(monkeypatch):
    monkeypatch.setenv("RIFTWATCH_CONTACT", "mailto:desk@example.org")
    assert "mailto:desk@example.org" in Settings().agent


def test_a_task_of_airflow_knows_its_run_and_anything_else_none(monkeypatch):
    monkeypatch.setenv("AIRFLOW_CTX_DAG_ID", "frame")
    monkeypatch.setenv("AIRFLOW_CTX_DAG_RUN_ID", "manual__1")
    assert run_of_airflow() == ("frame", "manual__1")
    monkeypatch.delenv("AIRFLOW_CTX_DAG_RUN_ID")
    assert run_of_airflow() == (None, None)


def test_a_value_out_of_range_is_refused(monkeypatch):
    monkeypatch.setenv("RIFTWATCH_RUN_SECONDS", "-1")
    with pytest.raises(ValueError, match="run_seconds"):
        Settings()


def test_monitor_files_of_a_folder_and_of_a_file(tmp_path):
    for name in ("b.yaml", "a.yaml", "c.yml", "notes.txt"):
        (tmp_path / name).touch()
    assert [f.name for f in Settings(monitors=tmp_path).monitor_files()] == ["a.yaml", "b.yaml", "c.yml"]
    assert Settings(monitors=tmp_path / "b.yaml").monitor_files() == [tmp_path / "b.yaml"]


def test_what_would_name_another_database_than_meant_is_refused(tmp_path):
    with pytest.raises(ValueError, match="choose another"):
        Settings(data=tmp_path / "why?")
    with pytest.raises(ValueError, match="four slashes"):
        Settings(database_url="sqlite:///here.db")
