import os
import signal
import subprocess
import sys

import pytest

from pipeline.collect import owner
from pipeline.collect.owner import is_gone, new_owner

NAME = "from pipeline.collect.owner import new_owner; print(new_owner(), flush=True); input()"


@pytest.fixture(autouse=True)
def fresh():
    """What is known of the machine is read once a process."""
    owner._machine.cache_clear()
    yield
    owner._machine.cache_clear()


@pytest.fixture
def other():
    """Another process, and its name."""
    with subprocess.Popen([sys.executable, "-c", NAME], stdin=-1, stdout=-1, text=True) as process:
        yield process, process.stdout.readline().strip()
        process.kill()


def test_a_name_fits_the_table_and_is_used_once(monkeypatch):
    monkeypatch.setattr(owner.socket, "gethostname", lambda: "a host " * 30)
    assert new_owner() != new_owner()
    assert len(new_owner()) <= 100
    assert not is_gone(new_owner())


def test_a_living_process_is_not_gone_until_it_is_killed(other):
    process, name = other
    assert not is_gone(name)
    os.kill(process.pid, signal.SIGSTOP)
    assert not is_gone(name)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert is_gone(name)  # nobody has waited for it yet
    process.wait()
    assert is_gone(name)


def test_a_number_that_is_used_again_is_another_process():
    host, pid, machine, started, own = new_owner().split()
    assert is_gone(f"{host} {pid} {machine} {int(started) - 1} {own}")


def test_a_process_of_another_machine_may_live(other):
    process, name = other
    process.kill()
    process.wait()
    host, pid, _, started, own = name.split()
    assert not is_gone(f"{host} {pid} 0123456789abcdef {started} {own}")


@pytest.mark.parametrize("name", ["", "holder", "a b c d e", "a 1 - - e", "host:12:abcdef"])
def test_names_of_another_form_say_nothing(name):
    assert not is_gone(name)


def test_a_machine_without_proc_knows_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(owner, "_PROC", tmp_path)
    name = new_owner()
    assert not is_gone(name.replace(f" {os.getpid()} ", " 999999999 "))
