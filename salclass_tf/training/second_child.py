"""What the process of `second_process` does."""

import dataclasses

from salclass_tf import commandline, start_up
from salclass_tf.data.sets import GazeSet
from salclass_tf.devices import Placement
from salclass_tf.training import child_process, plan, stages
from salclass_tf.training.child_process import BEGIN
from salclass_tf.training.plan import Job, Plan
from salclass_tf.training.second_process import Alone, SecondRun


class FirstProcess(Alone):
    """The process that began this one.

    Args:
        words: what it says.
        run: what each of the two makes.
    """

    def __init__(self, words: child_process.Words, run: SecondRun):
        self._words, self._run = words, run

    def makes(self, one: Job) -> bool:
        """Whether the other makes a stage, asked when it is its turn here."""
        return one in self._run.shared and not self._run.claim.get()

    def wait_before(self, one: Job) -> None:
        """Waits for what a stage needs of the other."""
        made = {other.name for other in self._run.others}
        for name in one.config.prerequisites(one.name):
            if name in made:
                self._words.wait(name)


def carry_out_given() -> None:
    """Prepares the data of some stages, waits for the word to begin, and makes them.

    The run's folder is the other process's, which keeps everybody else out of it.
    """
    start_up.spare_collections()
    run: SecondRun = child_process.read()
    words = child_process.Words()
    try:
        planned, placement, prepared = _prepared(run)
        words.wait(BEGIN)
    except KeyboardInterrupt:  # the other process says it
        raise SystemExit(commandline.INTERRUPTED) from None
    stages.make(planned, prepared, placement, run.execution, FirstProcess(words, run))


def _prepared(run: SecondRun) -> tuple[Plan, Placement, dict[str, GazeSet]]:
    """What this process has to do, with its data; the other one says what both find."""
    places = run.data_dir, run.manual_dir
    with child_process.held_back("salclass_tf", "tfds_builders"):
        placement, _ = stages.settle(run.own[-1].config, run.execution)
        planned = plan.plan_jobs(list(run.jobs), placement, *places)
        made = [one.name for one in run.own if one not in planned.todo]
        if made:
            raise ValueError(f"another run has made {', '.join(made)}; the same command goes on")
        # The other process may have made what is shared by now.
        own = (*run.own, *(one for one in run.shared if one in planned.todo))
        found = {one.dataset: planned.found[one.dataset] for one in own}
        planned = dataclasses.replace(planned, todo=own, found=found)
        prepared = stages.prepare_sets(planned, placement, *places)
        plan.check_data(planned, prepared)
    return planned, placement, prepared
