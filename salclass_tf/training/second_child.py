"""What the process of `second_process` does."""

import contextlib
import dataclasses
import logging
from collections.abc import Collection, Iterator

from salclass_tf import commandline, start_up
from salclass_tf.training import child_process, plan, stages
from salclass_tf.training.child_process import BEGIN
from salclass_tf.training.plan import Job
from salclass_tf.training.second_process import Alone, SecondRun


class FirstProcess(Alone):
    """The process that began this one.

    Args:
        words: what it says.
        names: of the stages that it makes.
        run: what this process makes.
    """

    def __init__(self, words: child_process.Words, names: Collection[str], run: SecondRun):
        self._words, self._names, self._run = words, names, run

    def makes(self, one: Job) -> bool:
        """Whether the other makes a stage, asked when it is its turn here."""
        return one in self._run.shared and not self._run.claim.get()

    def wait_before(self, one: Job) -> None:
        """Waits for what a stage needs of the other."""
        for name in one.config.prerequisites(one.name):
            if name in self._names:
                self._words.wait(name)


def carry_out_given() -> None:
    """Prepares the data of some stages, waits for the word to begin, and makes them.

    The run's folder is the other process's, which keeps everybody else out of it.
    """
    start_up.spare_collections()
    run: SecondRun = child_process.read()
    words = child_process.Words()
    places = run.data_dir, run.manual_dir
    with _without_a_word():
        placement, _ = stages.settle(run.own[-1].config, run.execution)
        planned = plan.plan_jobs(list(run.jobs), placement, *places)
        own = (*run.own, *run.shared)
        others = {one.name for one in planned.todo if one not in own}
        found = {one.dataset: planned.found[one.dataset] for one in own}
        planned = dataclasses.replace(planned, todo=own, found=found)
        prepared = stages.prepare_sets(planned, placement, *places)
        plan.check_data(planned, prepared)
        words.wait(BEGIN)
    stages.make(planned, prepared, placement, run.execution, FirstProcess(words, others, run))


@contextlib.contextmanager
def _without_a_word() -> Iterator[None]:
    """Leaves it to the other process to say what both find, and that a run was stopped."""
    own = logging.getLogger("salclass_tf")
    before = own.level
    own.setLevel(logging.ERROR)
    try:
        yield
    except KeyboardInterrupt:
        raise SystemExit(commandline.INTERRUPTED) from None
    finally:
        own.setLevel(before)
