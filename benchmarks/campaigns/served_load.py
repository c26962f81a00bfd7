"""Loads a server with images of many sizes, bad ones among them, and compares every answer.

python -m benchmarks.campaigns.served_load --requests=100000 --clients=16

The server is that of `benchmarks.serving_load`: gRPC's Python server around an export, in a process
of its own on the loopback. Each image has been answered once before the load; an answer under load
must be that one, number by number, and a bad image must be refused each time.
"""

import argparse
import collections
import concurrent.futures
import itertools
import pathlib
import tempfile
import time

import numpy as np
import tensorflow as tf

from benchmarks import serving_load
from benchmarks.campaigns import children, spoiled_images
from salclass_tf.client import Client

_SIZES = ((40, 56), (120, 90), (333, 500), (480, 640), (31, 700))
_BAD = (
    b"",
    b"no image, and as long as the head of one would be",
    spoiled_images.whole()["png"][:99],
)
_PARTS = 10
_NAME = "salclassnet"


class Load:
    """What clients ask, and what became of it.

    Attributes:
        outcomes: how often an answer was as expected, wrong, refused as it should be, or lost.
    """

    def __init__(self, target: str, timeout: float):
        """Asks for each image once."""
        self.outcomes: collections.Counter[str] = collections.Counter()
        self._target, self._timeout = target, timeout
        self._images = [*map(_jpeg, _SIZES), *spoiled_images.whole().values()]
        with Client(target, _NAME, timeout=timeout) as client:
            self._expected = [client.predict([image])[0] for image in self._images]

    def run(self, requests: int, clients: int) -> None:
        """Has clients ask until so many requests are answered."""
        tickets = itertools.count()  # its `next` is atomic in CPython

        def ask(_: int) -> collections.Counter[str]:
            found: collections.Counter[str] = collections.Counter()
            with Client(self._target, _NAME, timeout=self._timeout) as client:
                while (ticket := next(tickets)) < requests:
                    found[self._outcome(client, ticket)] += 1
            return found

        with concurrent.futures.ThreadPoolExecutor(clients) as pool:
            for found in pool.map(ask, range(clients)):
                self.outcomes += found

    def _outcome(self, client: Client, ticket: int) -> str:
        """Asks for one image, a bad one at times."""
        kinds = len(self._images) + len(_BAD)
        number = ticket % kinds
        try:
            if number >= len(self._images):
                client.predict([_BAD[number - len(self._images)]])
                return "wrong"
            [answer] = client.predict([self._images[number]])
        except ValueError:
            return "refused" if number >= len(self._images) else "lost"
        except OSError:
            return "lost"
        return "right" if _alike(answer, self._expected[number]) else "wrong"


def _alike(one: object, other: object) -> bool:
    """Whether two answers have the same numbers, but for rounding, and the same classes."""
    if one.top_classes != other.top_classes:
        return False
    return np.allclose(one.saliency, other.saliency, rtol=1e-5, atol=1e-6)


def _jpeg(size: tuple[int, int]) -> bytes:
    pixels = np.random.default_rng(size[0]).integers(0, 256, (*size, 3), np.uint8)
    return tf.io.encode_jpeg(pixels).numpy()


def main() -> None:
    """Loads the server part by part, and prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=3600, help="no part begins after them")
    parser.add_argument("--clients", type=int, default=16, help="that ask at the same time")
    parser.add_argument("--timeout", type=float, default=120, help="seconds for an answer")
    parser.add_argument("--export_dir", type=pathlib.Path, help="a version; default: a small graph")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        version = given.export_dir or _small_export(pathlib.Path(scratch))
        with serving_load.served(version) as (target, process):
            load = Load(target, given.timeout)
            print("| requests | right | refused | wrong | lost | server MiB |")
            print("|--:|--:|--:|--:|--:|--:|")
            end = time.monotonic() + given.seconds
            for part in np.diff(np.linspace(0, given.requests, _PARTS + 1).astype(int)):
                if time.monotonic() < end:
                    load.run(int(part), given.clients)
                    found = [load.outcomes[name] for name in ("right", "refused", "wrong", "lost")]
                    memory = serving_load.resident(process)
                    print(
                        f"| {sum(found)} | {' | '.join(map(str, found))} | {memory:.0f} |",
                        flush=True,
                    )


def _small_export(folder: pathlib.Path) -> pathlib.Path:
    """Writes the export that anybody can compute, of the tests."""
    version = folder / "1"
    script = "import sys, pathlib, demo_export; demo_export.write(pathlib.Path(sys.argv[1]))"
    (folder / "write.py").write_text(script)
    child = children.Child([folder / "write.py", version], folder / "log")
    if child.wait():
        raise RuntimeError(child.output())
    return version


if __name__ == "__main__":
    main()
