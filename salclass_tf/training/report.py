"""What a person sees when a stage is done: a table and pictures."""

import functools
import pathlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from salclass_tf import figures
from salclass_tf.config import ROLES, Config
from salclass_tf.data.gaze_counts import GazeCount
from salclass_tf.runs import learned
from salclass_tf.runs.finished_stage import FinishedStage
from salclass_tf.training import final_scores, gaze_check

#: of a network to some batches: output -> numbers, batch by batch
Answers = list[dict[str, np.ndarray]]

_COLUMNS = (
    ("accuracy", "accuracy"),
    ("class mean", "mean_class_accuracy"),
    ("CC", "cc"),
    ("NSS", "nss"),
    ("MSE", "mse"),
)


def table(results: dict[str, dict]) -> str:
    """Returns the test scores of some stages as a Markdown table.

    Args:
        results: stage -> what its `metrics.json` holds, in the order of the rows.
    """
    titles = [*(title for title, _ in _COLUMNS), *learned.COLUMNS]
    lines = [
        "| network | test set | images | " + " | ".join(titles) + " |",
        "|---|---|--:|" + "--:|" * (len(titles) - 1) + "---|",
    ]
    for stage, metrics in results.items():
        whole = learned.read(metrics)
        rows = {
            "centre bias (mean training map)": ("centre_bias", None),
            "parts before joint training": ("before_joint", whole and whole[:-1]),
            _title(stage, metrics): ("test", whole),
        }
        for name, (key, before) in rows.items():
            if metrics.get(key):
                dataset = f"{metrics['dataset']} {metrics['split']}"
                lines.append(_row(name, dataset, metrics[key], learned.columns(before)))
    return "\n".join(dict.fromkeys(lines))


def map_uses(results: dict[str, dict]) -> list[str]:
    """Returns what classifiers make of the map, lines of Markdown; none where none reads one.

    Args:
        results: see `table`.
    """
    known = {
        stage: metrics["map_use"] for stage, metrics in results.items() if "map_use" in metrics
    }
    if not known:
        return []
    maps = list(dict.fromkeys(which for found in known.values() for which in found))
    lines = [
        f"| accuracy of the same network with | {' | '.join(maps)} |",
        "|---|" + "--:|" * len(maps),
    ]
    for stage, found in known.items():
        cells = [f"{found[which]:.3f}" if which in found else "" for which in maps]
        lines.append(f"| {ROLES[stage].title} | {' | '.join(cells)} |")
    return ["", *lines, ""]


def _title(stage: str, metrics: dict) -> str:
    """What the network of a stage is called, with what else has taught it."""
    return ROLES[stage].title + learned.addition(learned.read(metrics))


def _row(name: str, dataset: str, scores: dict, seen: dict[str, str]) -> str:
    """One row of the table."""
    cells = [name, dataset, str(scores["images"]), *_cells(scores)]
    cells += [seen.get(title, "") for title in learned.COLUMNS]
    return f"| {' | '.join(cells)} |"


def _cells(scores: dict) -> list[str]:
    """The scores of a row, in the order of the columns."""
    return ["" if scores[key] is None else f"{scores[key]:.3f}" for _, key in _COLUMNS]


def gaze_notes(results: dict[str, dict]) -> list[str]:
    """Returns a line for each part of a stage's data of which many images have no gaze.

    Args:
        results: see `table`.
    """
    lines = []
    for stage, metrics in results.items():
        counts = {part: GazeCount(**count) for part, count in metrics.get("gaze", {}).items()}
        lines += [
            f"{stage}: {gaze_check.told(part, count)}"
            for part, count in counts.items()
            if gaze_check.is_suspicious(count)
        ]
    return lines


def seeds_table(results: dict[int, dict[str, dict]]) -> str:
    """Returns the test scores of several seeds: mean, and each one's, as a Markdown table.

    Args:
        results: as `families.train_seeds` returns them.
    """
    lines = [
        f"| network | {' | '.join(title for title, _ in _COLUMNS)} |",
        "|---|" + "--:|" * len(_COLUMNS),
    ]
    for stage in next(iter(results.values())):
        every = [found[stage] for found in results.values()]
        tests = [metrics.get("test") for metrics in every]
        if None in tests:
            continue
        cells = [_seeds_cell([test[key] for test in tests]) for _, key in _COLUMNS]
        lines.append(f"| {_title(stage, every[0])} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _seeds_cell(values: list[float | None]) -> str:
    """The mean over seeds, and each one's; "" where a score does not apply."""
    if None in values:
        return ""
    each = ", ".join(f"{value:.3f}" for value in values)
    return f"{sum(values) / len(values):.3f} ({each})"


def sweep_table(rows: list[dict]) -> str:
    """Returns the test scores of a sweep as a Markdown table.

    Args:
        rows: as `sweeps.sweep_alpha` returns them.
    """
    lines = [
        "| alpha | images | " + " | ".join(title for title, _ in _COLUMNS) + " |",
        "|--:|--:|" + "--:|" * len(_COLUMNS),
    ]
    for row in rows:
        cells = [f"{row['alpha']:g}", str(row["images"]), *_cells(row)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def draw(
    config: Config,
    stage: str,
    workdir: pathlib.Path,
    folder: pathlib.Path,
    kept: final_scores.Forward,
    rows: list[dict[str, float]],
    kept_epoch: int,
    batches: tf.data.Dataset | None,
    class_names: tuple[str, ...],
    remembered: Callable[[str], Answers | None],
) -> Answers:
    """Draws the curves of a stage and examples of the test part.

    Args:
        config: the run.
        stage: the stage.
        workdir: where the stages before it keep their networks.
        folder: where the stage is.
        kept: answers of the network that the stage keeps.
        rows: of the stage's history.
        kept_epoch: epoch of the kept network.
        batches: evaluation batches of the images to show, or None.
        class_names: in label order.
        remembered: another stage -> its network's answers to those batches, None where its file is
            to be read.

    Returns:
        The answers of the network that the stage keeps, batch by batch.
    """
    figures.curves(rows, kept_epoch, f"{stage}, seed {config.seed}", folder / "curves.png")
    if batches is None:
        return []
    shown = [
        (title, _beside(workdir / name, remembered(name)))
        for name, title in _compared(config, stage)
    ]
    own = _own_heading(stage)
    examples, titles, given = [], (), []
    for batch in batches:
        given.append({key: value.numpy() for key, value in kept(batch).items()})
        out = [*((title, answer(batch)) for title, answer in shown), (own, given[-1])]
        examples += _examples(batch, out, class_names)
        titles = ("true map", *(title for title, answered in out if "saliency" in answered))
    titles = titles if examples[0].maps else ()
    figures.example_grid(
        examples, titles, f"{ROLES[stage].title}: test images", folder / "examples.png"
    )
    return given


def _own_heading(stage: str) -> str:
    """What a stage's picture calls its own network's answers."""
    if ROLES[stage].is_joint:
        return "SalClassNet"
    return "RGB + true map" if ROLES[stage].reads_true_map else "prediction"


def _beside(folder: pathlib.Path, remembered: Answers | None) -> Callable[[dict], dict]:
    """Batch -> what the network of another stage answers; what is remembered is in their order."""
    if remembered is None:
        return functools.partial(final_scores.answers, FinishedStage(folder).network())
    answers = iter(remembered)
    return lambda batch: next(answers)


def _compared(config: Config, stage: str) -> list[tuple[str, str]]:
    """The stages whose networks a stage's picture shows beside its own, with their headings."""
    before = config.prerequisites(stage)
    return [item for item in ROLES[stage].shown_beside.items() if item[0] in before]


def _examples(
    batch: dict[str, tf.Tensor],
    out: list[tuple[str, dict[str, tf.Tensor]]],
    class_names: tuple[str, ...],
) -> list[figures.Example]:
    """The rows of the picture for one batch, and what the networks answered to it, by heading."""
    maps = [batch["saliency"]] if "saliency" in batch else []
    maps += [given["saliency"] for _, given in out if "saliency" in given]
    guesses = [(title, np.argmax(given["logits"], -1)) for title, given in out if "logits" in given]
    return [
        figures.Example(
            image=batch["image"][i].numpy(),
            xy=_fixations(batch, i),
            maps=tuple(np.asarray(values[i, ..., 0]) for values in maps),
            truth=class_names[int(batch["label"][i])] if guesses else "",
            guesses=tuple((title, class_names[guess[i]]) for title, guess in guesses),
        )
        for i in range(batch["image"].shape[0])
    ]


def _fixations(batch: dict[str, tf.Tensor], index: int) -> np.ndarray:
    """Where the fixations of an image lie, (x, y) pixels, [n, 2]."""
    if "fixation_counts" not in batch:
        return np.zeros((0, 2))
    return np.argwhere(batch["fixation_counts"][index, ..., 0].numpy())[:, ::-1]
