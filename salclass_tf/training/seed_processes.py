"""Runs of several seeds beside each other, each in a process of its own."""

import contextlib
import dataclasses
import os
import pathlib
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping

import tensorflow as tf

from salclass_tf import commandline, start_up
from salclass_tf.config import Config
from salclass_tf.devices import Placement, cores, threads
from salclass_tf.training import plan, stages
from salclass_tf.training.execution import Execution, no_callbacks

# What a run of networks up to `threads.NARROW` takes: the demo's had 1.8 (docs/results.md).
_MEMORY_GIB = 2.5
_POLL_SECONDS = 0.2
_ERROR = "error: "
# TensorFlow is imported once its notes are held back.
_CHILD = (
    "from salclass_tf import commandline, start_up; start_up.quiet(); "
    "from salclass_tf.training import seed_processes; "
    "commandline.run(seed_processes.carry_out_given)"
)


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

    Where it was not asked for: one for each core as far as memory allows, of networks whose
    operations are too small to keep several cores busy; else one.

    Args:
        config: the run.
        seeds: how many there are.
        placement: the devices.
        execution: what was asked for.

    Raises:
        ValueError: if several are asked for where they cannot have processes of their own.
    """
    asked = execution.seeds_at_once
    on_cpu = placement.name == "one device" and not tf.config.get_visible_devices("GPU")
    callbacks = execution.callbacks is not no_callbacks
    if asked is not None and asked > 1 and (callbacks or not on_cpu):
        raise ValueError(
            f"seeds_at_once is for one CPU, without callbacks; got {asked} with strategy "
            f"{placement.name}{' and callbacks' if callbacks else ''}: leave it out"
        )
    if asked is not None:
        return min(asked, seeds)
    if callbacks or not on_cpu or not threads.has_one_an_operation(config, placement):
        return 1
    return max(1, int(min(seeds, cores.count(), cores.free_memory() / 2**30 / _MEMORY_GIB)))


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
                running[seed] = _Process(seed, waiting.pop(seed), min(at_once, len(runs)))
                if received:  # before there was a process to hand it to
                    running[seed].send(signal.SIGTERM)
            for seed, process in list(running.items()):
                if process.has_ended():
                    del running[seed]
                    if process.code and not (received and process.code == commandline.INTERRUPTED):
                        failed[seed] = process.reason()
            if received:
                waiting.clear()
            time.sleep(_POLL_SECONDS)
    lines = [f"seed {seed}: {reason}" for seed, reason in failed.items()]
    if received:
        raise KeyboardInterrupt("\n".join([*lines, f"stopped by {received[-1]}"]))
    if failed:
        raise ValueError("\n".join(["not every seed could be trained:", *lines]))


class _Process:
    """A run under way, and a thread that hands on what it says."""

    def __init__(self, seed: int, run: SeedRun, at_once: int):
        given, share = pickle.dumps(run), max(1, cores.count() // at_once)
        environment = os.environ | {"TQDM_DISABLE": "1", "PYTHONUNBUFFERED": "1"}
        # From whatever folder it is started, it finds the package where this process has.
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        environment.setdefault("TF_NUM_INTEROP_THREADS", str(share))
        if run.config.width > threads.NARROW:
            environment.setdefault(threads.VARIABLE, str(share))
        debug = [flag for flag in sys.argv[1:] if flag == "--debug"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CHILD, *debug],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,  # a terminal's Ctrl-C reaches it through this process alone
        )
        # Left open: that it closes tells the process that this one has gone.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(given)
            self._process.stdin.flush()
        self._said: list[str] = []
        self._reader = threading.Thread(target=self._hand_on, args=(seed,), daemon=True)
        self._reader.start()

    def _hand_on(self, seed: int) -> None:
        """Prints every line behind the seed."""
        for line in self._process.stdout:
            text = line.decode(errors="replace").rstrip()
            if text:
                self._said.append(text)
                print(f"seed {seed}: {text}", file=sys.stderr, flush=True)

    def has_ended(self) -> bool:
        """Whether it has, and all that it said has been printed."""
        if self._process.poll() is None:
            return False
        self._reader.join()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        return True

    @property
    def code(self) -> int:
        """Its exit code."""
        return self._process.returncode

    def reason(self) -> str:
        """Why it ended: its own words; the signal that killed it."""
        if self.code < 0:
            name = signal.Signals(-self.code).name
            return (
                f"killed by {name}, perhaps because memory ran out: the same command goes on, with "
                "--seeds_at_once=1 it takes less"
            )
        starts = [n for n, line in enumerate(self._said) if line.startswith(_ERROR)]
        words = self._said[starts[-1] if starts else -1 :]
        return "\n".join(words).removeprefix(_ERROR) or f"exit code {self.code}"

    def send(self, number: int) -> None:
        """Sends it a signal."""
        self._process.send_signal(number)

    def end(self) -> None:
        """Has it save and end, and waits for that."""
        self.send(signal.SIGTERM)
        self._process.wait()


@contextlib.contextmanager
def _handed_on(running: Mapping[int, _Process]) -> Iterator[list[str]]:
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
    """Carries out the run that standard input holds, as `train` writes it."""
    start_up.spare_collections()
    run: SeedRun = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    placement, config = stages.settle(run.config, run.execution)
    places = run.data_dir, run.manual_dir
    planned = plan.plan(config, run.stage, run.workdir, placement, *places)
    stages.carry_out(planned, placement, run.execution, *places)


def _end_with_parent() -> None:
    """Has this process save and end when the one that began it has gone."""
    while os.read(sys.stdin.fileno(), 1):  # not by the buffer, whose lock Python wants as it ends
        pass
    os.kill(os.getpid(), signal.SIGTERM)
