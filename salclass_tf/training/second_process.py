"""Some stages of a run in a second process, beside the others.

Until joint training detector and classifier do not need each other: the second process makes the
stages of the detector. What is trained for comparison alone is taken by the process that is free
first. A narrow network's step does not keep two cores busy,
and much of a short stage is Python: opening, building, tracing, drawing.
"""

import contextlib
import dataclasses
import logging
import os
import time
from collections.abc import Iterator, Sequence

from salclass_tf.config import ROLES
from salclass_tf.config.stage import CLASSIFIER, DETECTOR
from salclass_tf.devices import Placement
from salclass_tf.training import child_process
from salclass_tf.training.child_process import BEGIN, POLL_SECONDS, Child
from salclass_tf.training.execution import Execution
from salclass_tf.training.plan import Job, Plan, order

_log = logging.getLogger(__name__)


class Claim:
    """What one of two processes gets, the one that asks first.

    Attributes:
        descriptor: of a pipe from which one byte can be read, in both processes.
    """

    def __init__(self):
        self.descriptor, write = os.pipe()
        os.write(write, b"x")
        os.close(write)
        self._got: bool | None = None

    def get(self) -> bool:
        """Whether it is this process's; where nobody has asked before, it is from now on."""
        if self._got is None:
            self._got = bool(os.read(self.descriptor, 1))
        return self._got

    @property
    def is_lost(self) -> bool:
        """Whether this process has asked for it in vain."""
        return self._got is False


@dataclasses.dataclass(frozen=True)
class SecondRun:
    """What the process is to do.

    Attributes:
        jobs: all stages of the run, their precision settled.
        own: those that it makes.
        shared: those that it makes if it is free first.
        others: those that the process makes which began it.
        claim: of these.
        data_dir: where prepared data sets live, None for TFDS' own place.
        manual_dir: folder of original files.
        execution: without callbacks, which another process cannot be handed.
    """

    jobs: tuple[Job, ...]
    own: tuple[Job, ...]
    shared: tuple[Job, ...]
    others: tuple[Job, ...]
    claim: "Claim"
    data_dir: str | None
    manual_dir: str | None
    execution: Execution


class Alone:
    """What one process that makes stages sees of another one; here there is none."""

    def order(self, todo: Sequence[Job]) -> Sequence[Job]:
        """Returns stages in the order in which this process comes to them."""
        return todo

    def makes(self, one: Job) -> bool:
        """Whether the other makes a stage, asked when it is its turn here."""
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
        run: what it is to do; None where there is no such process.

    Attributes:
        datasets: names of the sets that it prepares, and nobody else needs.
    """

    def __init__(self, run: SecondRun | None = None):
        self._run, self._child, self.datasets = run, None, frozenset()
        if run is not None:
            files = [run.claim.descriptor]
            self._child = Child("second_child", run, "beside: ", files=files)
            needed = {one.dataset for one in (*run.shared, *run.others)}
            self.datasets = {one.dataset for one in run.own} - needed

    def order(self, todo: Sequence[Job]) -> Sequence[Job]:
        """Returns stages in the order in which this process comes to them: shared ones late."""
        shared = self._run.shared if self._run is not None else ()
        rest = [one for one in todo if one not in shared]
        joint = (place for place, one in enumerate(rest) if ROLES[one.name].is_joint)
        place = next(joint, len(rest))
        return [*rest[:place], *shared, *rest[place:]]

    def makes(self, one: Job) -> bool:
        """Whether it makes a stage, asked when it is its turn here."""
        if self._run is None:
            return False
        return one in self._run.own or (one in self._run.shared and not self._run.claim.get())

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
        if any(
            made.name in needed and self.makes(made) for made in (*self._run.own, *self._run.shared)
        ):
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
            time.sleep(POLL_SECONDS)
        self._raise_failure()

    @property
    def names(self) -> str:
        """The stages that it makes, in words."""
        shared = self._run.shared if self._run.claim.is_lost else ()
        return ", ".join(one.name for one in (*self._run.own, *shared))

    def _raise_failure(self) -> None:
        """Raises where the process that has ended failed."""
        if self._child.code:
            raise ValueError(f"{self.names}: {self._child.reason('--stages_at_once=1')}")

    def end(self) -> None:
        """Has it save and end, if it is still under way."""
        if self._child is not None and not self._child.has_ended():
            self._child.end()

    def close(self) -> None:
        """Ends it, and closes what it was told by."""
        try:
            self.end()
        finally:
            if self._run is not None:
                os.close(self._run.claim.descriptor)


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
    own, shared = _chosen(planned, placement, execution)
    process = SecondProcess()
    if own:
        others = tuple(one for one in planned.todo if one not in (*own, *shared))
        places = data_dir, manual_dir
        run = SecondRun(planned.jobs, own, shared, others, Claim(), *places, execution)
        process = SecondProcess(run)
        _log.info("%s: in a process of their own, beside the other stages", process.names)
    try:
        yield process
    finally:
        process.close()


def _chosen(
    planned: Plan, placement: Placement, execution: Execution
) -> tuple[tuple[Job, ...], tuple[Job, ...]]:
    """The stages for it, and those that are shared; none where nothing would run beside them."""

    def trained(part: str) -> tuple[Job, ...]:
        """Those whose networks, and all that these start from, train one part alone."""
        return tuple(
            one
            for one in planned.todo
            if all(ROLES[name].trains == (part,) for name in order(one.config, one.name))
        )

    detector, classifier = trained(DETECTOR), trained(CLASSIFIER)
    if not detector or not classifier:
        return (), ()
    config, asked = detector[0].config, execution.stages_at_once
    at_once = child_process.how_many(asked, "stages_at_once", config, placement, execution)
    # Room for kept features is looked at stage by stage.
    if at_once == 1 or config.cache_features != "none":
        return (), ()
    needed = {name for one in classifier for name in config.prerequisites(one.name)}
    needed |= {name for one in planned.todo for name in config.starts_from(one.name)}
    return detector, tuple(one for one in classifier if one.name not in needed)
