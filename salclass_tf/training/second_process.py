"""Some stages of a run in a second process, beside the others.

Until joint training detector and classifier do not need each other, and what is trained for
comparison alone is not needed before the end. A narrow network's step does not keep two cores busy,
and much of a short stage is Python: opening, building, tracing, drawing.
"""

import contextlib
import dataclasses
import logging
import time
from collections.abc import Collection, Iterator

from salclass_tf.config import ROLES
from salclass_tf.config.stage import CLASSIFIER, DETECTOR
from salclass_tf.devices import Placement
from salclass_tf.training import child_process
from salclass_tf.training.child_process import BEGIN, Child
from salclass_tf.training.execution import Execution
from salclass_tf.training.plan import Job, Plan

_log = logging.getLogger(__name__)

_POLL_SECONDS = 0.1


@dataclasses.dataclass(frozen=True)
class SecondRun:
    """What the process is to do.

    Attributes:
        jobs: all stages of the run, their precision settled.
        own: those that it makes.
        data_dir: where prepared data sets live, None for TFDS' own place.
        manual_dir: folder of original files.
        execution: without callbacks, which another process cannot be handed.
    """

    jobs: tuple[Job, ...]
    own: tuple[Job, ...]
    data_dir: str | None
    manual_dir: str | None
    execution: Execution


class Alone:
    """What one process that makes stages sees of another one; here there is none."""

    def makes(self, one: Job) -> bool:
        """Whether the other makes a stage."""
        return False

    def wait_before(self, one: Job) -> None:
        """Waits for what a stage needs of the other.

        Args:
            one: the stage that is next.
        """

    def made(self, one: Job) -> None:
        """Tells the other of a finished stage."""

    def wait(self) -> None:
        """Waits for the other's end."""


class SecondProcess(Alone):
    """The process, from the point of view of the one that began it.

    Args:
        jobs: what it makes; none where there is no such process.
        child: the process, None where there is none.
        others: the stages that are made beside it.

    Attributes:
        datasets: names of the sets that it prepares, and nobody else needs.
    """

    def __init__(
        self, jobs: tuple[Job, ...] = (), child: Child | None = None, others: tuple[Job, ...] = ()
    ):
        self._jobs, self._child = jobs, child
        self.datasets = {one.dataset for one in jobs} - {one.dataset for one in others}

    def makes(self, one: Job) -> bool:
        """Whether it makes a stage."""
        return one in self._jobs

    def begin(self) -> None:
        """Has it train: until then it prepares data, and looks at them."""
        if self._child is not None:
            self._child.say(BEGIN)

    def made(self, one: Job) -> None:
        """Tells it of a finished stage."""
        if self._child is not None:
            self._child.say(one.name)

    def wait_before(self, one: Job) -> None:
        """Waits for what a stage needs of it.

        Args:
            one: the stage that is next.

        Raises:
            ValueError: if the process has failed, whether its stages are needed or not.
        """
        if self._child is None:
            return
        needed = one.config.prerequisites(one.name)
        if any(made.name in needed for made in self._jobs):
            self.wait()
        elif self._child.has_ended():
            self._raise_failure()

    def wait(self) -> None:
        """Waits for its end.

        Raises:
            ValueError: if it has failed.
        """
        if self._child is None:
            return
        if not self._child.has_ended():
            _log.info("waiting for %s", self.names)
        while not self._child.has_ended():
            time.sleep(_POLL_SECONDS)
        self._raise_failure()

    @property
    def names(self) -> str:
        """The stages that it makes, in words."""
        return ", ".join(one.name for one in self._jobs)

    def _raise_failure(self) -> None:
        """Raises where the process that has ended failed."""
        if self._child.code:
            raise ValueError(f"{self.names}: {self._child.reason('--stages_at_once=1')}")

    def end(self) -> None:
        """Has it save and end, if it is still under way."""
        if self._child is not None and not self._child.has_ended():
            self._child.end()


@contextlib.contextmanager
def started(
    planned: Plan,
    placement: Placement,
    execution: Execution,
    data_dir: str | None = None,
    manual_dir: str | None = None,
) -> Iterator[SecondProcess]:
    """Starts the process where there is something for it, and two fit; it ends with the `with`.

    Args:
        planned: the run.
        placement: the devices.
        execution: how the run is carried out.
        data_dir: where prepared data sets live, None for TFDS' own place.
        manual_dir: folder of original files, for sets that are not downloaded.

    Raises:
        ValueError: if a process of its own is asked for where there can be none.
    """
    jobs = _chosen(planned, placement, execution)
    process = SecondProcess()
    if jobs:
        run = SecondRun(planned.jobs, jobs, data_dir, manual_dir, execution)
        others = tuple(one for one in planned.todo if one not in jobs)
        process = SecondProcess(jobs, Child("second_child", run, "beside: ", {}), others)
        _log.info("%s: in a process of their own, beside the other stages", process.names)
    try:
        yield process
    finally:
        process.end()


def _chosen(planned: Plan, placement: Placement, execution: Execution) -> tuple[Job, ...]:
    """The stages for it; none where nothing would run beside them."""

    def trained(parts: tuple[str, ...]) -> tuple[Job, ...]:
        return tuple(one for one in planned.todo if ROLES[one.name].trains == parts)

    detector, classifier = trained((DETECTOR,)), trained((CLASSIFIER,))
    if not detector or not classifier:
        return ()
    config, asked = detector[0].config, execution.stages_at_once
    at_once = child_process.how_many(asked, "stages_at_once", config, placement, execution)
    # Room for features is looked at stage by stage.
    if at_once == 1 or config.cache_features == "memory":
        return ()
    needed = {name for one in classifier for name in config.prerequisites(one.name)}
    last = tuple(one for one in classifier if _is_compared(one, planned.todo, needed))
    return (*detector, *(last if len(last) < len(classifier) else ()))


def _is_compared(one: Job, todo: Collection[Job], needed: Collection[str]) -> bool:
    """Whether a stage is made for comparison with joint training alone."""
    starts = {name for other in todo for name in other.config.starts_from(other.name)}
    return not one.asked_for and one.name not in needed and one.name not in starts
