"""One run for each of several seeds, from the same data and the same pretrained networks."""

import dataclasses
import os
import pathlib
from collections.abc import Sequence

from salclass_tf.config import ROLES, Config
from salclass_tf.runs import stage_copies
from salclass_tf.runs.seeds import FAMILY, check_seeds, seed_run
from salclass_tf.training import plan, report, stages
from salclass_tf.training.execution import Execution


def train_seeds(
    config: Config,
    stage: str,
    seeds: Sequence[int],
    workdir: str | os.PathLike,
    data_dir: str | None = None,
    manual_dir: str | None = None,
    execution: Execution | None = None,
) -> dict[int, dict[str, dict]]:
    """Trains a stage once for each seed, and before it the stages that it starts from.

    Stages of pretraining are made once, in `workdir`, with the seed of `config`; each seed starts
    from a copy of them. One seed is trained after another; what is finished is not done again.
    What is wrong with any of them is said before the first one is trained.

    Args:
        config: the run.
        stage: one of `config.STAGES`.
        seeds: at least 0, each once.
        workdir: each seed gets the run `seeds/seed_<number>` in it.
        data_dir: where prepared data sets live, None for TFDS' own place.
        manual_dir: folder of original files, for sets that are not downloaded.
        execution: devices, checkpoints, callbacks; None is the default of each.

    Returns:
        Seed -> the `metrics.json` of every stage involved, by name; {} in a worker that is not
        the chief.

    Raises:
        ValueError: for anything the user can fix; the message says how.
        OSError: if something cannot be written or read, or another worker has gone.
    """
    check_seeds(seeds)
    workdir, execution = pathlib.Path(workdir), execution or Execution()
    placement, config = stages.settle(config, execution)
    before = [name for name in plan.order(config, stage) if name != stage]
    shared = [name for name in before if ROLES[name].pretraining]
    results = {}
    with placement.lost_workers_named():
        if shared:
            jobs = [plan.job(config, name, workdir, asked_for=False) for name in shared]
            planned = plan.plan_jobs(jobs, placement, data_dir, manual_dir)
            stages.carry_out(planned, placement, execution, data_dir, manual_dir)
        folders = {seed: seed_run(workdir, seed) for seed in seeds}
        for folder in folders.values() if placement.is_chief else ():
            for name in shared:
                stage_copies.copy_stage(workdir / name, folder / name)
        placement.wait_for_all()

        def planned_for(seed: int) -> plan.Plan:
            one = dataclasses.replace(config, seed=seed)
            return plan.plan(one, stage, folders[seed], placement, data_dir, manual_dir)

        for seed in seeds[1:]:  # what is wrong with one of them is not to be found hours later
            planned_for(seed)
        for seed in seeds:
            planned = planned_for(seed)  # again: by now the data are prepared
            stages.carry_out(planned, placement, execution, data_dir, manual_dir)
            results[seed] = {made.name: made.metrics() for made in planned.jobs}
    if not placement.is_chief:
        return {}
    print(report.seeds_table(results))
    for seed, found in results.items():
        told = [*report.map_uses(found), *report.gaze_notes(found)]
        if told:
            print("\n".join([f"seed {seed}:", *told]))
    family = workdir / FAMILY
    print(f"With intervals over seeds and images: python evaluate.py --model={family}")
    return results
