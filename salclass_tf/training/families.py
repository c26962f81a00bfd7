"""One run for each of several seeds, from the same data and the same pretrained networks."""

import dataclasses
import logging
import os
import pathlib
from collections.abc import Sequence

from salclass_tf.config import ROLES, Config
from salclass_tf.runs import stage_copies
from salclass_tf.runs.seeds import FAMILY, check_seeds, seed_run
from salclass_tf.training import plan, report, seed_processes, stages
from salclass_tf.training.execution import Execution

_log = logging.getLogger(__name__)


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
    from a copy of them. As many seeds as `seed_processes.how_many` says are trained at once, each
    in a process of its own; what is finished is not done again. What is wrong with any of them is
    said before the first one is trained.

    Args:
        config: the run.
        stage: one of `config.STAGES`.
        seeds: at least 0, each once.
        workdir: each seed gets the run `seeds/seed_<number>` in it.
        data_dir: where prepared data sets live, None for TFDS' own place.
        manual_dir: folder of original files, for sets that are not downloaded.
        execution: devices, seeds at once, checkpoints, callbacks; None is the default of each.

    Returns:
        Seed -> the `metrics.json` of every stage involved, by name; {} in a worker that is not
        the chief.

    Raises:
        ValueError: for anything the user can fix; the message says how.
        OSError: if something cannot be written or read, or another worker has gone.
    """
    check_seeds(seeds)
    workdir, execution = pathlib.Path(workdir), execution or Execution()
    if execution.seeds_at_once == 1 and execution.stages_at_once is None:
        execution = dataclasses.replace(execution, stages_at_once=1)  # one process, then
    placement, config = stages.settle(config, execution)
    seed_processes.how_many(config, len(seeds), placement, execution)  # whether it can be
    before = [name for name in plan.order(config, stage) if name != stage]
    shared = [name for name in before if ROLES[name].pretraining]
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

        planned = {seed: planned_for(seed) for seed in seeds}  # all mistakes are told at once
        waiting = [seed for seed in seeds if planned[seed].todo]
        # By the memory that is free now, after pretraining.
        at_once = seed_processes.how_many(config, len(waiting), placement, execution)
        if at_once > 1:
            _log.info("%d seeds at once, each in a process of its own", at_once)
            for seed in waiting:  # one preparation for all
                stages.prepare_sets(planned[seed], placement, data_dir, manual_dir)
            # Each has a core.
            alone = dataclasses.replace(execution, stages_at_once=1)
            runs = {
                seed: seed_processes.SeedRun(
                    *(dataclasses.replace(config, seed=seed), stage, folders[seed]),
                    *(data_dir, manual_dir, alone),
                )
                for seed in waiting
            }
            seed_processes.train(runs, at_once)
        for seed in seeds:
            # Again: by now the data are prepared, and stages are made.
            planned[seed] = planned_for(seed)
            stages.carry_out(planned[seed], placement, execution, data_dir, manual_dir)
        results = {
            seed: {made.name: made.metrics() for made in one.jobs} for seed, one in planned.items()
        }
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
