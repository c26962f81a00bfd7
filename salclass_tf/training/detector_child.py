"""What the process of `detector_process` does."""

import contextlib
import logging
from collections.abc import Iterator

from salclass_tf import commandline, start_up
from salclass_tf.training import child_process, plan, stages
from salclass_tf.training.detector_process import DetectorRun


def carry_out_given() -> None:
    """Prepares the data of the detector's stages, waits for the word to begin, and trains them.

    The run's folder is the other process's, which keeps everybody else out of it.
    """
    start_up.spare_collections()
    run: DetectorRun = child_process.read()
    begun = child_process.Begun()
    places = run.data_dir, run.manual_dir
    with _without_a_word():
        placement, config = stages.settle(run.config, run.execution)
        jobs = [plan.job(config, name, run.workdir, asked_for=False) for name in run.stages]
        planned = plan.plan_jobs(jobs, placement, *places)
        prepared = stages.prepare_sets(planned, placement, *places)
        plan.check_data(planned, prepared)
        begun.wait()
    stages.make(planned, prepared, placement, run.execution)


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
