"""Times of the demo: every second counts for one phase, and those of both sides are compared."""

import json
import pathlib
import subprocess
import sys
import time

import numpy as np
import pytest

from benchmarks import demo, phases


def test_time_inside_an_inner_phase_is_not_counted_for_the_outer():
    clock = phases.Clock(time.time())
    inner = phases._timed(clock, "inner", lambda: time.sleep(0.3))

    def calls():
        time.sleep(0.2)
        inner()

    outer = phases._timed(clock, "outer", calls)
    one = type("Job", (), {"name": "joint"})
    phases._stage(clock, lambda job: outer())(one)
    inner()
    clock.charge()
    wall = {name: spent[0] for name, spent in clock.spent.items()}
    assert wall["joint/outer"] == pytest.approx(0.2, abs=0.1)
    assert wall["joint/inner"] == pytest.approx(0.3, abs=0.1)
    assert wall["/inner"] == pytest.approx(0.3, abs=0.1)
    assert phases.START in next(iter(wall))


def test_what_pipelines_trace_counts_for_opening_them():
    clock = phases.Clock(time.time())
    traced = phases._timed(clock, phases.TRACING, lambda: time.sleep(0.01))
    phases._timed(clock, phases.OPENING, traced)()
    assert f"/{phases.TRACING}" not in clock.spent
    traced()
    assert clock.spent[f"/{phases.TRACING}"][0] >= 0.01


def test_first_step_of_every_loop_is_counted_by_itself():
    clock = phases.Clock(time.time())
    step = phases._step(clock, lambda loop, batch: time.sleep(0.01))
    loops = [type("Loop", (), {})() for _ in range(2)]
    for loop in (*loops, *loops, loops[0]):
        step(loop, None)
    first, others = (clock.spent[f"/{name}"][0] for name in (phases.FIRST_STEP, phases.STEPS))
    assert first >= 0.02 and others >= 0.03


def test_every_watched_function_of_this_tree_is_there():
    import importlib

    known = set()
    for phase, places in phases.FUNCTIONS.items():
        for place in places:
            module, path = place.split(":")
            try:
                owner = importlib.import_module(module)
            except ModuleNotFoundError:
                continue
            for name in path.split("."):
                owner = getattr(owner, name, None)
            known |= {phase} if owner is not None else set()
    assert known == {name for name, places in phases.FUNCTIONS.items() if places}


def side(title, scale, accuracies):
    times = {"/start and imports": [1.0, 2.0], "joint/tracing": [4.0, 3.0], "joint/steps": [5, 5]}
    scaled = {name: [scale * one for one in spent] for name, spent in times.items()}
    found = [{"accuracy": value, "cc": 0.5, "nss": 1.0} for value in accuracies]
    return demo.Side(title, pathlib.Path(), [scaled] * len(found), found)


def test_table_compares_phases_and_stages():
    ours, other = side("this tree", 1, [0.5]), side("before", 3, [0.5])
    lines = list(demo.profile(ours, other))
    assert "| **whole** | 10.0 | 10.0 | 30.0 | 30.0 | 3.00 | 3.00 |" in lines
    assert "| tracing | 4.0 | 3.0 | 12.0 | 9.0 | 3.00 | 3.00 |" in lines
    assert "| stage joint | 9.0 | 8.0 | 27.0 | 24.0 | 3.00 | 3.00 |" in lines
    assert "| rendering | 0.0 | 0.0 | 0.0 | 0.0 |  |  |" in lines


def test_scores_have_the_standard_error_over_seeds():
    lines = list(demo.scores([side("this tree", 1, [0.5, 0.6, 0.7])]))
    error = np.std([0.5, 0.6, 0.7], ddof=1) / np.sqrt(3)
    assert f"0.6000 (se {error:.4f}: 0.5000, 0.6000, 0.7000)" in lines[-1]


def test_script_of_a_tree_is_run_with_its_flags(tmp_path):
    package = tmp_path / "salclass_tf" / "training"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "loop.py").write_text("class Loop: pass\n")
    (package / "stages.py").write_text("import time\ndef _make(one): time.sleep(0.2)\n")
    (tmp_path / "train.py").write_text(
        "import sys, types\nfrom salclass_tf.training import stages\n"
        "stages._make(types.SimpleNamespace(name=sys.argv[1]))\n"
    )
    command = [sys.executable, "-P", phases.__file__, "times.json", str(time.time())]
    subprocess.run(
        [*command, "train.py", "joint"], cwd=tmp_path, env={"PYTHONPATH": "."}, check=True
    )
    times = json.loads((tmp_path / "times.json").read_text())
    assert times["joint/other"][0] >= 0.2
