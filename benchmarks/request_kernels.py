"""Prints what of a request oneDNN's kernels take, and what TensorFlow takes around them.

python -m benchmarks.serving --width=0.125 --image_size=196 --classes=12 --exports=DIR
python -m benchmarks.request_kernels --exports=DIR --image_size=196 --threads=1

The graph that `benchmarks.serving` has kept answers one image at a time, in two processes: one is
timed, in the other one oneDNN notes every kernel (`ONEDNN_VERBOSE`), which takes time itself.
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
import json, sys, time
from salclass_tf import start_up
start_up.quiet()
import numpy as np
import tensorflow as tf
from salclass_tf.serving import warmup

folder, side, requests = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
answer = tf.saved_model.load(folder).signatures["crops"]
image = tf.constant(warmup.pictures(1, side, side))
def ask():
    began = time.perf_counter()
    for value in answer(image=image).values():
        value.numpy()
    return time.perf_counter() - began
for _ in range(5):
    ask()
print({_BEGIN!r}, flush=True)
times = [ask() for _ in range(requests)]
print(json.dumps(1e3 * float(np.median(times))), flush=True)
"""


@dataclasses.dataclass
class Kernels:
    """What one kind of oneDNN's kernels has come to.

    Attributes:
        count: how many have run.
        milliseconds: all of them together.
    """

    count: int = 0
    milliseconds: float = 0.0


def kernels(lines: Iterable[str]) -> dict[str, Kernels]:
    """Sums up what oneDNN has noted, by kind of kernel, the longest kind first.

    Args:
        lines: of its notes; others are passed over, and so are those on what it makes.
    """
    found = collections.defaultdict(Kernels)
    for line in lines:
        words = line.strip().split(",")
        if words[0] == "onednn_verbose" and "exec" in words[:4]:
            kind = found[words[words.index("exec") + 2]]
            kind.count += 1
            kind.milliseconds += float(words[-1])
    return dict(sorted(found.items(), key=lambda pair: -pair[1].milliseconds))


def table(found: dict[str, Kernels], requests: int, milliseconds: float) -> str:
    """The kinds of kernels, and what is left of a request.

    Args:
        found: what `kernels` gives.
        requests: how many it is of.
        milliseconds: that a request takes where nothing is noted.
    """
    lines = ["| of a request | times | ms |", "|---|--:|--:|"]
    for name, kind in found.items():
        count, spent = kind.count / requests, kind.milliseconds / requests
        lines.append(f"| {name} | {count:.0f} | {spent:.2f} |")
    rest = milliseconds - sum(kind.milliseconds for kind in found.values()) / requests
    lines += [f"| the rest | | {rest:.2f} |", f"| **whole** | | {milliseconds:.2f} |"]
    if "convolution" in found:
        each = 1e3 * rest * requests / found["convolution"].count
        lines.append(f"\nThe rest is {each:.0f} us for each convolution.")
    return "\n".join(lines)


def _answers(given: argparse.Namespace, notes: str) -> tuple[float, list[str]]:
    """Median milliseconds of a request, and all that the process has printed during requests."""
    environment = os.environ | {"ONEDNN_VERBOSE": notes}
    if given.threads:
        environment[threads.VARIABLE] = str(given.threads)
    folder = str(given.exports / "ours")
    command = [sys.executable, "-c", _CODE, folder, str(given.image_size), str(given.requests)]
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
    milliseconds, _ = _answers(given, "0")
    _, notes = _answers(given, "1")
    print(table(kernels(notes), given.requests, milliseconds))


if __name__ == "__main__":
    main()
