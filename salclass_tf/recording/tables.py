"""The recorded study as the paper describes its own: Table 2, and the row of Table 3."""

import os
import pathlib

from salclass_tf.recording import storage, study

_PAPER_TABLE_2 = ("9,861", "120", "82.2", "6.2")
_PAPER_TABLE_3 = (
    "Tobii T60 eye tracker", "Fine-grained classification", "12", "8,005", "928", "928",
)  # fmt: skip
_PAPER_TASK = ("2.6", "2,763 of 9,861")


def describe(recording: str | os.PathLike) -> str:
    """Reads the study as a data set would, and sets its numbers beside the paper's.

    Args:
        recording: folder of the recording.

    Returns:
        Three tables in Markdown: Table 2, the row of Table 3, and what Sec. 4 says of the task.

    Raises:
        ValueError: if a package for reading gaze is missing, or the study cannot be read.
    """
    folder = study.collect(recording)
    try:
        from tfds_builders.gaze_folder import study as gaze_study

        found = gaze_study.open_study(folder)
    except ImportError as error:
        raise ValueError(
            f"the tables need what reads gaze ({error}): pip install -r requirements-gaze.txt"
        ) from error
    labels = ("Number of images", "Number of classes", "Avg. number of images per class",
              "Avg. number of fixation points per image")  # fmt: skip
    table_2 = _side_by_side(labels, _table_2(found), _PAPER_TABLE_2)
    labels = ("Device", "Task", "Viewers", "Training", "Validation", "Test")
    table_3 = _side_by_side(labels, _table_3(found, recording), _PAPER_TABLE_3)
    labels = ("Seconds until recognition", "Not recognised")
    task = _side_by_side(labels, _task(found), _PAPER_TASK)
    return f"Table 2\n\n{table_2}\n\nTable 3\n\n{table_3}\n\nSec. 4\n\n{task}"


def _side_by_side(labels: tuple[str, ...], ours: list[str], papers: tuple[str, ...]) -> str:
    rows = [("", "this study", "SalDogs"), ("---", "---", "---")]
    rows += list(zip(labels, ours, papers, strict=True))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _table_2(found) -> list[str]:  # noqa: ANN001  # Study of an optional package
    images = len(found.gaze.by_stem)
    classes = len({found.images[stem].class_name for stem in found.gaze.by_stem})
    points = sum(len(fixations.x) for fixations in found.gaze.by_stem.values())
    return [f"{images:,}", str(classes), f"{images / classes:.1f}", f"{points / images:.1f}"]


def _table_3(found, recording: str | os.PathLike) -> list[str]:  # noqa: ANN001
    viewers = len(storage.sessions(pathlib.Path(recording)))
    sizes = [f"{len(found.parts.get(s, ())):,}" for s in ("train", "validation", "test")]
    return [found.recording.tracker, found.recording.task, str(viewers), *sizes]


def _task(found) -> list[str]:  # noqa: ANN001
    answers = [one for of_image in (found.answers or {}).values() for one in of_image]
    asked = [one for one in answers if one.recognised >= 0]
    times = [one.recognition_time_ms for one in asked if one.recognised]
    mean = f"{sum(times) / len(times) / 1000:.1f}" if times else "-"
    return [mean, f"{sum(not one.recognised for one in asked):,} of {len(asked):,}"]
