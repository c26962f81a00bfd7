"""What viewers answered: `responses.csv`, a line for each viewer of an image; optional."""

import csv
import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from tfds_builders.common import fixation_table, gaze_builder, own_layout, user_files

FILE = "responses.csv"
FEATURE = "responses"
_COLUMNS = ("stem", "viewer", "response", "correct", "recognised", "recognition_time_ms")
_UNKNOWN = -1


@dataclasses.dataclass(frozen=True)
class Response:
    """One viewer's answer to one image.

    Attributes:
        viewer: name or number, as in the gaze.
        response: class that the viewer named, empty without an answer.
        correct: 1 or 0, -1 where unknown or without an answer.
        recognised: 1 if the viewer said so while the image was shown, 0 if not, -1 where unknown.
        recognition_time_ms: milliseconds from the onset until then, -1 where unknown.
    """

    viewer: str
    response: str
    correct: int
    recognised: int
    recognition_time_ms: float


def feature() -> tfds.features.Sequence:
    """Returns the feature `responses`: one element for each viewer who was asked."""
    return tfds.features.Sequence(
        {
            "viewer": np.int32,
            "response": tfds.features.Text(),
            "correct": np.int32,
            "recognised": np.int32,
            "recognition_time_ms": np.float32,
        }
    )


def read_responses(root: pathlib.Path) -> dict[str, tuple[Response, ...]] | None:
    """Reads `responses.csv`: stem,viewer,response,correct,recognised,recognition_time_ms.

    Other columns are ignored; an empty cell is unknown.

    Args:
        root: the folder in which it may lie.

    Returns:
        Answers by stem; None without the file.

    Raises:
        ValueError: if a column is missing, a cell is of another form, or a viewer answers twice.
    """
    path = root / FILE
    if not path.exists():
        return None
    by_stem: dict[str, list[Response]] = {}
    seen: set[tuple[str, str]] = set()
    with user_files.opened_table(path) as file:
        lines = csv.DictReader(file)
        if missing := [name for name in _COLUMNS if name not in (lines.fieldnames or ())]:
            raise ValueError(f"{path} must have the columns {','.join(_COLUMNS)}; lacks {missing}")
        for line in lines:
            try:
                answer = _parse(line)
            except ValueError as error:
                raise ValueError(f"{path}, line {lines.line_num}: {error}") from error
            stem = fixation_table.stem_of(line["stem"])
            if (stem, answer.viewer) in seen:
                raise ValueError(
                    f"{path}, line {lines.line_num}: viewer {answer.viewer!r} has answered to "
                    f"{line['stem']} before; keep one of the lines"
                )
            if answer.viewer not in fixation_table.UNKNOWN:  # several people may be unknown
                seen.add((stem, answer.viewer))
            by_stem.setdefault(stem, []).append(answer)
    return {stem: tuple(answers) for stem, answers in by_stem.items()}


def rows(answers: Sequence[Response], viewers: Sequence[str] | None) -> dict[str, Any]:
    """Packs the answers to one image for its example, by viewer.

    Args:
        answers: in any order.
        viewers: names in the order of their numbers; None if the viewers are numbers.

    Returns:
        The value of `responses`.

    Raises:
        ValueError: if viewers are numbers in the gaze, and one here is not.
    """
    pairs = [(_number(answer.viewer, viewers), answer) for answer in answers]
    numbered = sorted(pairs, key=lambda pair: pair[0])
    return {
        "viewer": np.array([number for number, _ in numbered], np.int32),
        "response": [answer.response for _, answer in numbered],
        "correct": np.array([answer.correct for _, answer in numbered], np.int32),
        "recognised": np.array([answer.recognised for _, answer in numbered], np.int32),
        "recognition_time_ms": np.array([a.recognition_time_ms for _, a in numbered], np.float32),
    }


def facts(found: Mapping[str, Sequence[Response]]) -> dict[str, Any]:
    """Counts the answers, for the set's metadata.

    Args:
        found: answers by stem.

    Returns:
        Numbers of viewings that were asked about, recognised, and named rightly; mean time.
    """
    asked = [answer for answers in found.values() for answer in answers if answer.recognised >= 0]
    times = [a.recognition_time_ms for a in asked if a.recognition_time_ms >= 0]
    return {
        "viewings_asked_about": len(asked),
        "viewings_recognised": sum(answer.recognised for answer in asked),
        "viewings_named_rightly": sum(answer.correct == 1 for answer in asked),
        "mean_recognition_time_ms": float(np.mean(times)) if times else None,
    }


def describe(found: Mapping[str, Sequence[Response]]) -> str:
    """Returns the counts of `facts` as a line of a report."""
    counts = facts(found)
    text = (
        f"answers: {counts['viewings_recognised']} of {counts['viewings_asked_about']} viewings "
        f"recognised, {counts['viewings_named_rightly']} named rightly"
    )
    mean = counts["mean_recognition_time_ms"]
    return text if mean is None else f"{text}; {mean / 1000:.2f} s on average until then"


@dataclasses.dataclass(frozen=True)
class AnsweredRecord:
    """What an example with answers is made of.

    Attributes:
        record: image and gaze.
        answers: the value of `responses`, of `rows`.
    """

    record: own_layout.Record
    answers: dict[str, Any]


def make_example(answered: AnsweredRecord) -> gaze_builder.Made:
    """Makes the example of one image, with its answers.

    Args:
        answered: image, gaze and answers.

    Returns:
        Key, example and counts.
    """
    key, example, counts = own_layout.make_example(answered.record)
    return key, example | {FEATURE: answered.answers}, counts


def _parse(line: Mapping[str, str]) -> Response:
    if None in line.values():
        raise ValueError("has fewer fields than the header; write empty ones for what is unknown")
    time = line["recognition_time_ms"].strip()
    time_ms = float(time) if time else float(_UNKNOWN)
    storable = abs(time_ms) <= float(np.finfo(np.float32).max)  # NaN is not
    if not storable or (time and time_ms < 0 and time_ms != _UNKNOWN):
        raise ValueError(f"`recognition_time_ms` must be 0 or more, or empty; got {time!r}")
    if not line["stem"]:
        raise ValueError("`stem` must name an image; got nothing")
    flags = [_flag(name, line[name].strip()) for name in ("correct", "recognised")]
    viewer = user_files.composed(line["viewer"].strip())
    return Response(viewer, line["response"].strip(), *flags, time_ms)


def _flag(name: str, text: str) -> int:
    if text not in ("", "0", "1", "-1"):
        raise ValueError(f"`{name}` must be 1, 0 or empty; got {text!r}")
    return int(text or _UNKNOWN)


def _number(viewer: str, viewers: Sequence[str] | None) -> int:
    """The number that the gaze gives a viewer; -1 for one who has none there."""
    if viewers is not None:
        return viewers.index(viewer) if viewer in viewers else _UNKNOWN
    try:
        number = int(viewer or _UNKNOWN)
    except ValueError:
        number = None
    if number is None or not _UNKNOWN <= number <= np.iinfo(np.int32).max:
        raise ValueError(f"{FILE}: viewers must be the numbers of fixations.csv; got {viewer!r}")
    return number
