"""Gives spoiled images to an export: it answers or refuses, in bounded memory and time.

python -m benchmarks.campaigns.hostile_images --inputs=100000

Without --export_dir a small graph is asked that has the preparation of all exports: the reading of
headers, decoding and resizing are TensorFlow's operations, which a fuzzer of Python code does not
see; so images are spoiled at random, from a seed.
"""

import argparse
import json
import pathlib
import tempfile

from benchmarks.campaigns import children


def main() -> None:
    """Runs the campaign in a process of its own and prints its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=3600, help="no image after them")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--export_dir", type=pathlib.Path, help="a version of an export")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        settings = vars(given) | {"scratch": scratch, "export_dir": str(given.export_dir or "")}
        log = pathlib.Path(scratch, "log")
        child = children.Child(["benchmarks/campaigns/asked_graph.py", json.dumps(settings)], log)
        code = child.wait()
        rows = [line for line in child.output().splitlines() if line.startswith("| ")]
        print(
            "| images | answered | refused | wrong | most for one, MiB | bound of the card, MiB | "
            "kept after all, MiB | slowest, s of CPU | exit |"
        )
        print("|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
        print(*rows, code, "|")
        if code:
            print(child.output()[-1000:])


if __name__ == "__main__":
    main()
