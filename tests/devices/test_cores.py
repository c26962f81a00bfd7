"""What this process may use, by files of the system that the tests write."""

import math
import os

import pytest

from salclass_tf.devices import cores


@pytest.fixture
def system(monkeypatch, tmp_path):
    """Writes what the system tells; a name that is not given has no file."""

    def tells(meminfo=None, **cgroup):
        if meminfo is not None:
            (tmp_path / "meminfo").write_text(meminfo)
        for name, text in cgroup.items():
            (tmp_path / name.replace("_", ".")).write_text(text)

    monkeypatch.setattr(cores, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(cores, "_CGROUP", tmp_path)
    return tells


def test_memory_is_what_the_system_calls_available(system):
    assert cores.free_memory() == math.inf
    system("MemTotal:  99 kB\nMemAvailable:   2048 kB\n", memory_max="max\n", memory_current="5\n")
    assert cores.free_memory() == 2048 * 1024


def test_a_containers_limit_counts_what_is_used_of_it(system):
    system("MemAvailable:   2048 kB\n", memory_max="1000000\n", memory_current="400000\n")
    assert cores.free_memory() == 600_000


def test_cores_are_those_of_the_affinity_and_the_quota(system, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert cores.count() == 8
    system(cpu_max="max 100000\n")
    assert cores.count() == 8
    system(cpu_max="250000 100000\n")
    assert cores.count() == 2
    system(cpu_max="50000 100000\n")
    assert cores.count() == 1
