"""Runs a script of a revision of this repository and notes where its time goes.

`benchmarks.demo` starts it, in the folder of the revision:

python -P phases.py TIMES.json STARTED train.py --stage=joint

TIMES.json gets {"stage/phase": [wall seconds, processor seconds]}, which add up to the life of the
process since STARTED (`time.time()`). Nothing of the package is imported but what the script would
import, and a phase is known by the functions that it consists of: where a revision lacks one of
them, its time is in the phase around it. Time inside an inner phase is not counted for the outer.
"""

import argparse
import contextlib
import functools
import importlib
import json
import pathlib
import resource
import runpy
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator

START, OPENING, TRACING, OTHER = "start and imports", "opening", "tracing", "other"
FIRST_STEP, STEPS = "first steps", "steps"

#: phase -> the functions that it consists of, by module and name
FUNCTIONS = {
    "rendering": ("tensorflow_datasets.core.dataset_builder:DatasetBuilder.download_and_prepare",),
    OPENING: (
        "salclass_tf.training.feeding:build_feed",
        "salclass_tf.training.feeding:central_batches",
        "salclass_tf.training.feeding:shown_batches",
        "salclass_tf.data.sets:open_builder",
        "salclass_tf.data.pipeline:training_batches",
        "salclass_tf.data.pipeline:training_steps",
        "salclass_tf.data:training_batches",
    ),
    "building networks": (
        "salclass_tf.training.networks:build_model",
        "salclass_tf.training.networks:build_optimizer",
        "salclass_tf.training.networks:blank_detector",
        "salclass_tf.training.networks:blank_classifier",
        "salclass_tf.training.loop:Loop.__init__",
    ),
    "reading networks": ("keras.models:load_model", "keras:Model.load_weights"),
    TRACING: ("tensorflow.python.framework.func_graph:func_graph_from_py_func",),
    FIRST_STEP: (),
    STEPS: ("salclass_tf.training.loop:Loop._epoch",),
    "validation": ("salclass_tf.training.loop:Loop._validate",),
    "writing networks": ("salclass_tf.training.loop:Loop._write_network",),
    "checkpoints": (
        "salclass_tf.training.loop:Loop._save",
        "salclass_tf.training.checkpoints:Checkpoints.restore",
    ),
    "test scores": (
        "salclass_tf.training.final_scores:score",
        "salclass_tf.training.final_scores:score_map",
        "salclass_tf.training.final_scores:mean_map",
        "salclass_tf.training.map_use:accuracies",
        "salclass_tf.scoring:score",
        "salclass_tf.scoring:score_map",
        "salclass_tf.scoring:mean_map",
    ),
    "waiting for the second process": ("salclass_tf.training.second_process:SecondProcess.wait",),
    "pictures": (
        "salclass_tf.training.report:draw",
        "salclass_tf.training.loop:Loop._pictures",
        "salclass_tf.training.history:History.add",
    ),
}


class Clock:
    """Charges what passes to the phase that is under way, in the main thread.

    Args:
        started: when the process was started, `time.time()`.
    """

    def __init__(self, started: float):
        self.stage, self.spent = "", {}
        self._phases = [START]
        self._last = started, 0.0

    @property
    def phase(self) -> str:
        """The phase that is under way."""
        return self._phases[-1]

    @contextlib.contextmanager
    def during(self, phase: str) -> Iterator[None]:
        """Counts what happens inside for a phase."""
        self.charge()
        self._phases.append(phase)
        try:
            yield
        finally:
            self.charge()
            self._phases.pop()

    def charge(self) -> None:
        """Adds what has passed to the phase under way."""
        kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        used = [resource.getrusage(kind) for kind in kinds]
        now = time.time(), sum(one.ru_utime + one.ru_stime for one in used)
        spent = self.spent.setdefault(f"{self.stage}/{self.phase}", [0.0, 0.0])
        for index in (0, 1):
            spent[index] += now[index] - self._last[index]
        self._last = now


def watch(clock: Clock) -> None:
    """Has the functions of all phases, and of a stage, tell the clock when they begin and end."""
    for phase, places in FUNCTIONS.items():
        for place in places:
            _replace(place, functools.partial(_timed, clock, phase))
    _replace("salclass_tf.training.loop:Loop._step", functools.partial(_step, clock))
    _replace("salclass_tf.training.stages:_make", functools.partial(_stage, clock))


def _replace(place: str, wrap: Callable[[Callable], Callable]) -> None:
    """Puts a wrapped function in the place of one, if this revision has it."""
    module, path = place.split(":")
    try:
        owner = importlib.import_module(module)
    except ModuleNotFoundError:
        return
    *owners, name = path.split(".")
    for one in owners:
        owner = getattr(owner, one)
    if hasattr(owner, name):
        setattr(owner, name, wrap(getattr(owner, name)))


def _timed(clock: Clock, phase: str, function: Callable) -> Callable:
    """The function, whose time counts for a phase."""

    @functools.wraps(function)
    def timed(*args, **kwargs):
        # What pipelines trace is part of opening them.
        inside = phase == TRACING and clock.phase == OPENING
        if inside or threading.current_thread() is not threading.main_thread():
            return function(*args, **kwargs)
        with clock.during(phase):
            return function(*args, **kwargs)

    return timed


def _step(clock: Clock, function: Callable) -> Callable:
    """A step of a loop: the first one of each has TensorFlow prepare the graph."""
    begun = weakref.WeakSet()

    @functools.wraps(function)
    def step(loop, batch):
        phase = STEPS if loop in begun else FIRST_STEP
        begun.add(loop)
        with clock.during(phase):
            return function(loop, batch)

    return step


def _stage(clock: Clock, function: Callable) -> Callable:
    """What makes a stage, by whose name its phases are noted."""

    @functools.wraps(function)
    def stage(one, *args, **kwargs):
        clock.charge()
        clock.stage = one.name
        try:
            return function(one, *args, **kwargs)
        finally:
            clock.charge()
            clock.stage = ""

    return stage


def main() -> None:
    """Runs the script, and writes the times when it has ended."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("times", type=pathlib.Path, help="JSON file to write")
    parser.add_argument("started", type=float, help="when the process was started, time.time()")
    parser.add_argument("script", help="in the folder of the revision")
    parser.add_argument("flags", nargs=argparse.REMAINDER, help="of the script")
    given = parser.parse_args()
    clock = Clock(given.started)
    import salclass_tf.training  # noqa: F401  (TensorFlow among it: counted as the start)

    watch(clock)
    sys.argv = [given.script, *given.flags]
    try:
        with clock.during(OTHER):
            runpy.run_path(given.script, run_name="__main__")
    finally:
        given.times.write_text(json.dumps(clock.spent))


if __name__ == "__main__":
    main()
