"""Prints what of a request oneDNN's kernels take, and what TensorFlow takes around them.

python -m benchmarks.serving --width=0.125 --image_size=196 --classes=12 --exports=DIR
python -m benchmarks.request_kernels --exports=DIR --image_size=196 --threads=1

The graph that `benchmarks.serving` has kept answers one image at a time. Processes that are timed
take turns with one in which oneDNN notes every kernel (`ONEDNN_VERBOSE`), which takes time itself.
Kernels that run at the same time count once in what is left for TensorFlow.
"""

import argparse
import collections
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from salclass_tf.devices import threads

_BEGIN = "requests begin"
_CODE = f"""
import json, pathlib, sys, time
from salclass_tf import start_up
start_up.quiet()
import numpy as np
from benchmarks import serving
from salclass_tf.serving import warmup

side, requests = int(sys.argv[2]), int(sys.argv[3])
answer, image = serving.our_export(pathlib.Path(sys.argv[1])), warmup.pictures(1, side, side)
def ask():
    began = time.perf_counter()
    for value in answer(image).values():
        np.asarray(value)
    return time.perf_counter() - began
for _ in range(5):
    ask()
print({_BEGIN!r}, flush=True)
times = [ask() for _ in range(requests)]
print(json.dumps(1e3 * float(np.median(times))), flush=True)
"""


@dataclasses.dataclass(frozen=True)
class Kernel:
    """One of oneDNN's kernels that has run.

    Attributes:
        kind: such as "convolution".
        start: when it began, in milliseconds.
        milliseconds: that it took.
    """

    kind: str
    start: float
    milliseconds: float


def kernels(lines: Iterable[str]) -> list[Kernel]:
    """Reads what oneDNN has noted with times, `ONEDNN_VERBOSE_TIMESTAMP`.

    Args:
        lines: of its notes; others are passed over, and so are notes of kernels being made.
    """
    found = []
    for line in lines:
        words = line.strip().split(",")
        if words[0] == "onednn_verbose" and words[3:5] == ["primitive", "exec"]:
            found.append(Kernel(words[6], float(words[2]), float(words[-1])))
    return found


def busy(found: Iterable[Kernel]) -> float:
    """Milliseconds in which at least one kernel ran."""
    total, end = 0.0, float("-inf")
    for one in sorted(found, key=lambda kernel: kernel.start):
        last = one.start + one.milliseconds
        total += max(0.0, last - max(end, one.start))
        end = max(end, last)
    return total


def table(found: list[Kernel], requests: int, milliseconds: float) -> str:
    """The kinds of kernels, the longest first, and what is left of a request.

    Args:
        found: what `kernels` gives.
        requests: how many it is of.
        milliseconds: that a request takes where nothing is noted.
    """
    counts, spent = collections.Counter(), collections.Counter()
    for one in found:
        counts[one.kind] += 1
        spent[one.kind] += one.milliseconds
    lines = ["| of a request | times | ms |", "|---|--:|--:|"]
    for name, total in spent.most_common():
        lines.append(f"| {name} | {counts[name] / requests:.0f} | {total / requests:.2f} |")
    kernels_alone = busy(found) / requests
    rest = milliseconds - kernels_alone
    lines += [
        f"| kernels, those at the same time once | | {kernels_alone:.2f} |",
        f"| the rest | | {rest:.2f} |",
        f"| **whole** | | {milliseconds:.2f} |",
    ]
    if counts["convolution"]:
        each = 1e3 * rest * requests / counts["convolution"]
        lines.append(f"\nThe rest is {each:.0f} us for each convolution.")
    return "\n".join(lines)


def _answers(given: argparse.Namespace, notes: str) -> tuple[float, list[str]]:
    """Median milliseconds of a request, and all that the process has printed during requests."""
    environment = os.environ | {"ONEDNN_VERBOSE": notes, "ONEDNN_VERBOSE_TIMESTAMP": "1"}
    environment.pop(threads.VARIABLE, None)
    if given.threads:
        environment[threads.VARIABLE] = str(given.threads)
    numbers = str(given.image_size), str(given.requests)
    command = [sys.executable, "-c", _CODE, str(given.exports), *numbers]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    lines = done.stdout.splitlines()
    printed = lines[lines.index(_BEGIN) + 1 :]
    return json.loads(printed[-1]), printed[:-1]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--exports", type=pathlib.Path, required=True, help="of benchmarks.serving")
    parser.add_argument("--image_size", type=int, default=299, help="side of the crops, in pixels")
    parser.add_argument("--requests", type=int, default=100, help="of one image")
    parser.add_argument("--threads", type=int, help="of an operation; TensorFlow's choice")
    given = parser.parse_args()
    before, _ = _answers(given, "0")
    noted, notes = _answers(given, "1")
    after, _ = _answers(given, "0")
    print(table(kernels(notes), given.requests, (before + after) / 2))
    print(f"Timed before and after: {before:.2f} and {after:.2f} ms; with notes {noted:.2f} ms.")


if __name__ == "__main__":
    main()
