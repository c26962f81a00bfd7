"""Prints how a served export bears many clients at once: errors, memory, waiting times.

python export.py && python -m benchmarks.serving_load                          (10,000 requests)
python -m benchmarks.serving_load --requests=1000 --clients=4 --export_dir=export/joint

The server is `tests/support/loopback.py`, gRPC's Python server around the export in a process of
its own: the model is what TensorFlow Serving would run, the server around it is slower. The clients
are threads with a `salclass_tf.client.Client` each; a request is one JPEG of 640 x 480, and the
next follows as soon as its answer, all outputs, is there. The server's memory is read
from /proc, so this needs Linux; its growth is counted from when it is warm.
"""

import concurrent.futures
import contextlib
import itertools
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from absl import app, flags

from salclass_tf.client import Client
from salclass_tf.runs import finished_export
from salclass_tf.serving import warmup

_EXPORT = flags.DEFINE_string("export_dir", "export/joint", "folder of the versions")
_REQUESTS = flags.DEFINE_integer("requests", 10_000, "requests that are measured")
_CLIENTS = flags.DEFINE_integer("clients", 16, "clients that ask at the same time")
_TIMEOUT = flags.DEFINE_float("timeout", 120.0, "seconds that a client waits for an answer")

_NAME = "salclassnet"
_WARMING = 10  # requests of each client
_PARTS = 5
_SERVER = pathlib.Path(__file__).resolve().parent.parent / "tests/support/loopback.py"


@contextlib.contextmanager
def served(version: pathlib.Path) -> Iterator[tuple[str, int]]:
    """Runs the server; gives its gRPC address and the number of its process."""
    command = [sys.executable, str(_SERVER), _NAME, str(version)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        ports = process.stdout.readline().split()
        if not ports:
            raise RuntimeError(f"the server did not start: {' '.join(command)}")
        yield ports[0], process.pid
    finally:
        process.stdin.close()
        process.wait()


def resident(process: int) -> float:
    """Memory that a process holds, in MiB."""
    pages = int(pathlib.Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def ask(client: Client, image: bytes) -> tuple[float, str]:
    """Seconds that one answer took, and what went wrong with it."""
    started = time.perf_counter()
    try:
        (answer,) = client.predict([image])
        error = "" if np.isfinite(answer.saliency).all() else "a map that is not finite"
    except (ValueError, OSError) as problem:
        error = str(problem)
    return time.perf_counter() - started, error


def load(target: str, image: bytes, requests: int) -> list[tuple[float, str]]:
    """Has all clients ask until the wanted number of requests is answered."""
    tickets = itertools.count()  # its `next` is atomic in CPython

    def run(_: int) -> list[tuple[float, str]]:
        with Client(target, _NAME, timeout=_TIMEOUT.value) as client:
            answers = []
            while next(tickets) < requests:
                answers.append(ask(client, image))
            return answers

    with concurrent.futures.ThreadPoolExecutor(_CLIENTS.value) as pool:
        return [answer for answers in pool.map(run, range(_CLIENTS.value)) for answer in answers]


def line(answers: list[tuple[float, str]], seconds: float, mebibytes: float) -> str:
    """A line of the table."""
    waits, errors = zip(*answers, strict=True)
    p50, p99 = 1e3 * np.percentile(waits, (50, 99))
    return (
        f"| {len(answers)} | {sum(map(bool, errors))} | {len(answers) / seconds:.1f} | "
        f"{p50:.0f} | {p99:.0f} | {mebibytes:.0f} |"
    )


def main(_: list[str]) -> None:
    """Loads the server part by part, and prints a line for each and one for all."""
    try:
        version = finished_export.require(_EXPORT.value).version
    except ValueError as error:
        raise SystemExit(str(error)) from None
    image = tf.io.encode_jpeg(warmup.pictures(1, 480, 640)[0]).numpy()
    every, seconds = [], 0.0
    with served(version) as (target, process):
        load(target, image, _WARMING * _CLIENTS.value)
        print(f"{version}, {_CLIENTS.value} clients, warm at {resident(process):.0f} MiB")
        print("| requests | errors | requests/s | p50 ms | p99 ms | server MiB |")
        print("|--:|--:|--:|--:|--:|--:|")
        for part in np.diff(np.linspace(0, _REQUESTS.value, _PARTS + 1).astype(int)):
            started = time.perf_counter()
            answers = load(target, image, part)
            spent = time.perf_counter() - started
            print(line(answers, spent, resident(process)), flush=True)
            every, seconds = every + answers, seconds + spent
        print(line(every, seconds, resident(process)))
    for error in sorted({error for _, error in every if error}):
        print(f"error: {error}")


if __name__ == "__main__":
    app.run(main)
