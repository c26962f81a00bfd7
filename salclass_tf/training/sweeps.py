"""The sweep of Fig. 4: stage `joint` once per alpha, from the same parts."""

import csv
import dataclasses
import io
import math
import os
import pathlib
from collections.abc import Sequence

from salclass_tf.config import Config
from salclass_tf.runs.files import write_json, write_text
from salclass_tf.runs.finished_stage import FinishedStage
from salclass_tf.training import folder_state, plan, report, stages
from salclass_tf.training.execution import Execution

STAGE = "joint"
#: where the table of a sweep is in a workdir, without its ending
TABLE = pathlib.PurePath("sweep", "alpha")

_SCORES = ("accuracy", "mean_class_accuracy", "mse", "cc", "nss", "images")


def sweep_alpha(
    config: Config,
    alphas: Sequence[float],
    workdir: str | os.PathLike,
    data_dir: str | None = None,
    manual_dir: str | None = None,
    execution: Execution | None = None,
) -> list[dict]:
    """Trains stage `joint` once per alpha; the stages before it are made once.

    A value that is finished is not trained again. `sweep/alpha.csv` and `sweep/alpha.json` in
    `workdir` hold the test scores of those of the values that are.

    Args:
        config: the run; its own alpha is not used.
        alphas: weights of the class error, at least 0, each once.
        workdir: each value gets `sweep/alpha_<value>/joint/` in it.
        data_dir: where prepared data sets live, None for TFDS' own place.
        manual_dir: folder of original files, for sets that are not downloaded.
        execution: devices, checkpoints, callbacks; None is the default of each.

    Returns:
        The rows of the table by rising alpha; [] in a worker that is not the chief.

    Raises:
        ValueError: for anything the user can fix; the message says how.
        OSError: if something cannot be written or read, or another worker has gone.
    """
    _check(alphas)
    workdir, execution = pathlib.Path(workdir), execution or Execution()
    placement, config = stages.settle(config, execution)
    before = [name for name in plan.order(config, STAGE) if name != STAGE]
    parts = [plan.job(config, name, workdir, asked_for=False) for name in before]
    joints = [_job(dataclasses.replace(config, alpha=a), workdir) for a in sorted(alphas)]

    def write() -> None:
        _write_table(workdir, [one for one in joints if FinishedStage(one.folder).is_finished])

    with placement.lost_workers_named():
        planned = plan.plan_jobs([*parts, *joints], placement, data_dir, manual_dir)
        stages.carry_out(planned, placement, execution, data_dir, manual_dir, write)
    if not placement.is_chief:
        return []
    write()
    rows = [_row(one) for one in joints]
    print(report.sweep_table(rows))
    print(f"The same as CSV and JSON: {workdir / TABLE}.csv, .json")
    return rows


def _check(alphas: Sequence[float]) -> None:
    """Validates the values."""
    if not alphas or len(set(alphas)) < len(alphas):
        raise ValueError(f"a sweep needs values of alpha, each once; got {list(alphas)}")
    for alpha in alphas:
        if not 0 <= alpha < math.inf:
            raise ValueError(f"alpha must be at least 0 and finite; got {alpha} in {list(alphas)}")


def _job(config: Config, workdir: pathlib.Path) -> plan.Job:
    """The joint stage of one alpha: in the sweep's folder, or what the run itself has finished."""
    own = plan.job(config, STAGE, workdir, asked_for=True)
    finished = FinishedStage(own.folder).is_finished
    if finished and not folder_state.differences(config, STAGE, own.folder):
        return own
    name = f"alpha_{repr(config.alpha).removesuffix('.0')}"
    return dataclasses.replace(own, folder=workdir / TABLE.parent / name / STAGE)


def _write_table(workdir: pathlib.Path, finished: list[plan.Job]) -> None:
    """Writes the scores of the values that are finished, for people and for programs."""
    if not finished:
        return
    rows = [_row(one) for one in finished]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(workdir / f"{TABLE}.csv", text.getvalue())
    config, metrics = finished[0].config, finished[0].metrics()
    content = {
        "dataset": metrics["dataset"],
        "split": metrics["split"],
        "saliency_loss": config.stages[STAGE].saliency_loss,
        "seed": config.seed,
        "before_joint": dict.fromkeys(rows[0]) | _scores(metrics.get("before_joint")),
        "rows": rows,
    }
    write_json(workdir / f"{TABLE}.json", content)


def _row(one: plan.Job) -> dict:
    """What the table holds of one alpha; None where a score does not apply."""
    metrics = one.metrics()
    return {
        "alpha": float(one.config.alpha),
        **_scores(metrics["test"]),
        "kept_epoch": metrics["kept_epoch"],
        "folder": one.folder.relative_to(one.workdir).as_posix(),
    }


def _scores(test: dict | None) -> dict:
    """The scores of a test part; all None where a set has none."""
    return {name: (test or {}).get(name) for name in _SCORES}
