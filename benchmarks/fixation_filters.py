"""Which share of known fixations each filter finds in simulated gaze.

python -m benchmarks.fixation_filters [--filters=ivt,...] [--rates=60,...] [--output=FILE]

Gaze is that of `tests/support/simulated_gaze.py`: 40 fixations with white noise, from 60 to 2000
Hz, without losses, with single samples lost, and with two eyes of which one is lost now and then.
A cell holds the number of fixations found and their total time, each over what is true.
"""

import argparse
import importlib.metadata
import pathlib
import sys
from collections.abc import Sequence

from tests.support import simulated_gaze
from tfds_builders.gaze_folder import detection, presentation, recording
from tfds_builders.gaze_folder.detection import filters

RATES = (60, 120, 300, 1000, 2000)
NOISES = (0.05, 0.15, 0.3, 0.5)
CONDITIONS = {
    "One eye": {},
    "One eye, 5 % of the samples lost": {"dropped": 0.05},
    "Two eyes 1.3 degrees apart, one lost for 100 ms in every third fixation": {
        "second_eye": 1.3,
        "lost_eye_ms": 100.0,
    },
}


def present(gaze: simulated_gaze.SimulatedGaze) -> presentation.Presentation:
    """Makes a presentation of simulated gaze."""
    return presentation.Presentation(
        viewer="",
        stem="picture",
        time_ms=gaze.time_ms,
        eyes=gaze.eyes,
        place=None,
        source="simulated",
        onset_ms=0.0,
        offset_ms=float(gaze.time_ms[-1]),
        sampling_rate_hz=None,
        own_fixations=None,
    )


def recovered(gaze: simulated_gaze.SimulatedGaze, name: str) -> tuple[float, float, str]:
    """Runs a filter.

    Args:
        gaze: what was simulated.
        name: of the filter.

    Returns:
        Number and total time of the fixations found, over what is true, and "!" where the check
        would say SUSPICIOUS.
    """
    facts = recording.Recording(pixels_per_degree=simulated_gaze.PIXELS_PER_DEGREE, filter=name)
    shown = present(gaze)
    choice = detection.choose([shown], facts)
    found = detection.find_fixations(shown, facts, choice)
    suspicious = choice.suspicions or detection.suspect_share([found])
    return (
        len(found.x) / len(gaze.xy),
        float(found.duration_ms.sum() / gaze.duration_ms.sum()),
        "!" if suspicious else "",
    )


def table(condition: str, names: Sequence[str], rates: Sequence[int], seed: int) -> list[str]:
    """Makes the table of a condition, lines of Markdown."""
    lines = [f"### {condition}", "", "| Hz | noise, degrees | " + " | ".join(names) + " |"]
    lines.append("|--:|--:|" + "--:|" * len(names))
    for rate in rates:
        for noise in NOISES:
            gaze = simulated_gaze.simulate(rate, noise, seed, **CONDITIONS[condition])
            cells = [recovered(gaze, name) for name in names]
            text = " | ".join(f"{count:.2f} / {time:.2f}{mark}" for count, time, mark in cells)
            lines.append(f"| {rate} | {noise} | {text} |")
            print(lines[-1], file=sys.stderr, flush=True)
    return [*lines, ""]


def main(arguments: Sequence[str]) -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--filters", default=",".join(filters.OURS), help="names, with commas")
    parser.add_argument("--rates", default=",".join(map(str, RATES)), help="Hz, with commas")
    parser.add_argument("--seed", type=int, default=0, help="of the simulation")
    parser.add_argument("--output", type=pathlib.Path, help="also write the tables into this file")
    given = parser.parse_args(arguments)
    names, rates = given.filters.split(","), [int(rate) for rate in given.rates.split(",")]
    packages = [filters.OURS[name].PACKAGE for name in names]
    versions = [f"{p.lower()} {importlib.metadata.version(p)}" for p in packages if p]
    lines = [f"Number / total time of fixations, over what is true ({', '.join(versions)}; seed "
             f"{given.seed}). `!`: the check says SUSPICIOUS.", ""]  # fmt: skip
    for condition in CONDITIONS:
        lines += table(condition, names, rates, given.seed)
    text = "\n".join(lines)
    print(text)
    if given.output:
        given.output.write_text(text, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
