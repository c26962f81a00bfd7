"""Our fixations beside those that the trackers found in the same recordings.

python -m benchmarks.recorded_fixations FOLDER [--filters=default,ivt,...] [--output=FILE]

`FOLDER` holds recordings of `RECORDINGS`; those that are absent are left out.
"""

import argparse
import dataclasses
import pathlib
import sys
from collections.abc import Iterator, Sequence

import numpy as np

from tfds_builders.gaze_folder import detection, presentation, recording
from tfds_builders.gaze_folder.readers import formats, reader

DEFAULT = "default"
_SCREEN = {"screen_width_px": 1920, "screen_height_px": 1080}
RECORDINGS = {
    # EyeLink: RES of the END lines.
    "eyelink_mono250.asc": {"pixels_per_degree": 35.2},
    "eyelink_mono1000.asc": {"pixels_per_degree": 35.2},
    "eyelink_bino500.asc": {"pixels_per_degree": 35.2},
    "eyelink_opensesame.asc": {"pixels_per_degree": 32.0},
    # Tobii: distance and size of a pixel from the columns in millimetres.
    "tobii_pro_lab.tsv": {"pixels_per_degree": 36.3},
    "tobii_studio.tsv": {"pixels_per_degree": 35.0},
    # I2MC's example: a screen of 50.9 cm at 65 cm.
    "tobii_sdk_300hz.tsv": {"pixels_per_degree": 42.8, **_SCREEN},
    # Not stated; 23 inches at 65 cm.
    "gazepoint_all_gaze.csv": {"pixels_per_degree": 42.7, **_SCREEN},
}
"""What `recording.json` would say of each file."""


@dataclasses.dataclass(frozen=True)
class Row:
    """Fixations of a file by one filter.

    Attributes:
        count: their number.
        seconds: their total time.
        median_ms: their median duration.
        distance_deg: median distance to the tracker's fixation that overlaps the most.
        share: of the tracked time in fixations.
        settings: the filter and what was chosen for it.
        suspicious: whether the check says SUSPICIOUS.
    """

    count: int
    seconds: float
    median_ms: float
    distance_deg: float
    share: float
    settings: str
    suspicious: bool


def read(path: pathlib.Path, name: str | None) -> tuple[list, recording.Recording]:
    """Reads all presentations of a recording.

    Args:
        path: one of `RECORDINGS`.
        name: the filter, None for the default.

    Returns:
        The presentations, and what was known of the file.
    """
    facts = recording.Recording(**RECORDINGS[path.name], filter=name)
    opened = formats.open_file(path, reader.Setting("viewer", facts))
    return list(opened.presentations()), facts


def without_own(shown: presentation.Presentation) -> presentation.Presentation:
    """Hides the tracker's own fixations, so that the default filter is one of ours."""
    return dataclasses.replace(shown, own_fixations=None)


def compare(path: pathlib.Path, name: str) -> Row:
    """Finds the fixations of a recording.

    Args:
        path: one of `RECORDINGS`.
        name: the filter, or `DEFAULT` for ours where the tracker's own are not known.

    Returns:
        What was found.
    """
    shown, facts = read(path, None if name == DEFAULT else name)
    hidden = shown if name == "tracker" else [without_own(one) for one in shown]
    choice = detection.choose(hidden, facts)
    found = [detection.find_fixations(one, facts, choice) for one in hidden]
    durations = np.concatenate([one.duration_ms for one in found])
    tracked = sum(one.tracked_ms for one in found)
    apart = [d for pair in zip(shown, found, strict=True) for d in _distances(*pair)]
    window, threshold = (
        choice.parameters.get(key) for key in ("velocity_window_ms", "velocity_threshold_deg_per_s")
    )
    return Row(
        count=len(durations),
        seconds=durations.sum() / 1000,
        median_ms=float(np.median(durations)),
        distance_deg=float(np.median(apart)) / facts.pixels_per_degree if apart else float("nan"),
        share=sum(one.in_fixations_ms for one in found) / tracked,
        settings=choice.filter + (f", {window:.0f} ms, {threshold:.0f} deg/s" if window else ""),
        suspicious=bool(choice.suspicions or detection.suspect_share(found)),
    )


def _distances(shown: presentation.Presentation, found: detection.Detected) -> Iterator[float]:
    """Pixels between each own fixation and ours that shares the most time with it."""
    if shown.own_fixations is None or not len(found.x):
        return
    for onset, duration, x, y in shown.own_fixations:
        ends = np.minimum(found.onset_ms + found.duration_ms, onset + duration)
        overlap = ends - np.maximum(found.onset_ms, onset)
        best = int(overlap.argmax())
        if overlap[best] > 0:
            yield float(np.hypot(found.x[best] - x, found.y[best] - y))


def table(folder: pathlib.Path, names: Sequence[str]) -> list[str]:
    """Makes the table, lines of Markdown."""
    lines = [
        "| recording | filter | fixations | total, s | median, ms | distance, degrees | share of "
        "tracked time | |",
        "|---|---|--:|--:|--:|--:|--:|---|",
    ]
    for file in RECORDINGS:
        if not (folder / file).exists():
            continue
        shown, _ = read(folder / file, None)
        has_own = any(one.own_fixations is not None for one in shown)
        for name in ("tracker", *names) if has_own else names:
            row = compare(folder / file, name)
            mark = "SUSPICIOUS" if row.suspicious else ""
            apart = "" if np.isnan(row.distance_deg) else f"{row.distance_deg:.2f}"
            lines.append(
                f"| {file} | {row.settings} | {row.count} | {row.seconds:.2f} | "
                f"{row.median_ms:.0f} | {apart} | {row.share:.0%} | {mark} |"
            )
    return lines


def main(arguments: Sequence[str]) -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, metavar="FOLDER")
    parser.add_argument("--filters", default=DEFAULT, help="names, with commas")
    parser.add_argument("--output", type=pathlib.Path, help="also write the table into this file")
    given = parser.parse_args(arguments)
    text = "\n".join(table(given.folder, given.filters.split(",")))
    print(text)
    if given.output:
        given.output.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
