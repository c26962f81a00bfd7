"""Runs of several seeds beside each other, each in a process of its own."""

import contextlib
import dataclasses
import os
import pathlib
import signal
import threading
import time
from collections.abc import Iterator, Mapping

from salclass_tf import commandline, start_up
from salclass_tf.config import Config
from salclass_tf.devices import Placement, cores, threads
from salclass_tf.training import child_process, plan, stages
from salclass_tf.training.child_process import Child
from salclass_tf.training.execution import Execution


@dataclasses.dataclass(frozen=True)
class SeedRun:
    """The run of one seed: the arguments of `stages.run`, each of plain types.

    Attributes:
        config: with its seed.
        stage: the stage that is asked for.
        workdir: folder of the run.
        data_dir: where prepared data sets live, None for TFDS' own place.
        manual_dir: folder of original files.
        execution: without callbacks, which another process cannot be handed.
    """

    config: Config
    stage: str
    workdir: pathlib.Path
    data_dir: str | None
    manual_dir: str | None
    execution: Execution


def how_many(config: Config, seeds: int, placement: Placement, execution: Execution) -> int:
    """Decides how many seeds are trained at once.

    See `child_process.how_many`.

    Args:
        config: the run.
        seeds: how many there are.
        placement: the devices.
        execution: what was asked for.

    Raises:
        ValueError: if several are asked for where they cannot have processes of their own.
    """
    asked = execution.seeds_at_once
    found = child_process.how_many(asked, "seeds_at_once", config, placement, execution)
    return min(found, seeds)


def train(runs: Mapping[int, SeedRun], at_once: int) -> None:
    """Carries runs out, some at once; what each of them says is printed behind its seed.

    SIGINT and SIGTERM are handed on: runs under way save and end, others are not begun. If one
    fails, the others go on to their end.

    Args:
        runs: seed -> its run; data and stages that they share are there.
        at_once: how many processes there are at a time.

    Raises:
        ValueError: if runs have failed, or somebody has ended them; naming the seeds and why.
        KeyboardInterrupt: if this process was asked to stop.
    """
    waiting, running, failed = dict(runs), {}, {}
    with _handed_on(running) as received:
        while waiting or running:
            while waiting and len(running) < at_once and not received:
                seed = next(iter(waiting))
                running[seed] = _start(seed, waiting.pop(seed), min(at_once, len(runs)))
                if received:  # before there was a process to hand it to
                    running[seed].send(signal.SIGTERM)
            for seed, process in list(running.items()):
                if process.has_ended():
                    del running[seed]
                    if process.code and not (received and process.code == commandline.INTERRUPTED):
                        failed[seed] = process.reason("--seeds_at_once=1")
            if received:
                waiting.clear()
            time.sleep(child_process.POLL_SECONDS)
    lines = [f"seed {seed}: {reason}" for seed, reason in failed.items()]
    if received:
        raise KeyboardInterrupt("\n".join([*lines, f"stopped by {received[-1]}"]))
    if failed:
        raise ValueError("\n".join(["not every seed could be trained:", *lines]))


def _start(seed: int, run: SeedRun, at_once: int) -> Child:
    """Starts the process of a seed."""
    share = str(max(1, cores.count() // at_once))
    names = ["TF_NUM_INTEROP_THREADS"]
    if run.config.width > threads.NARROW:
        names.append(threads.VARIABLE)
    own = {name: share for name in names if name not in os.environ}
    return Child("seed_processes", run, f"seed {seed}: ", own)


@contextlib.contextmanager
def _handed_on(running: Mapping[int, Child]) -> Iterator[list[str]]:
    """Hands SIGINT and SIGTERM on to processes; gives the names of those that came."""
    received: list[str] = []

    def hand_on(number: int, _frame: object) -> None:
        received.append(signal.Signals(number).name)
        for process in list(running.values()):
            process.send(number)

    # Python lets the main thread alone set them.
    alone = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGINT, signal.SIGTERM) if alone else ()
    before = {number: signal.signal(number, hand_on) for number in numbers}
    try:
        yield received
    finally:
        for process in running.values():  # none, unless something has gone wrong here
            process.end()
        for number, handler in before.items():
            signal.signal(number, handler)


def carry_out_given() -> None:
    """Carries out the run of a seed, as `train` hands it over."""
    start_up.spare_collections()
    run: SeedRun = child_process.read()
    child_process.end_with_parent()
    placement, config = stages.settle(run.config, run.execution)
    places = run.data_dir, run.manual_dir
    planned = plan.plan(config, run.stage, run.workdir, placement, *places)
    stages.carry_out(planned, placement, run.execution, *places)
