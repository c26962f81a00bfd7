"""Speed and memory of predict.py over tiny pictures: alone, and on Beam with workers.

python -m benchmarks.sharded_prediction --export_dir=export/joint --pictures=2000 --workers 0 1 2

0 workers is the local path, 1 is Beam in one process, more are processes of their own. Needs
requirements-beam.txt. Processor time is of all processes together; memory is the peak of the
largest worker, of the command itself where it works alone. Each row has its start in it: importing
TensorFlow, loading the export, starting workers.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import psutil
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[1]


def write_pictures(folder: pathlib.Path, count: int) -> None:
    """Writes noise, 80 x 60, as JPEG."""
    rng = np.random.default_rng(0)
    for number in range(count):
        pixels = rng.integers(0, 256, (60, 80, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:06}.jpg")


def measured(command: list[str]) -> tuple[float, float, int]:
    """Runs a command.

    Returns:
        Seconds, seconds of CPU with those of its children, bytes of the largest process of those
        that it started, or of itself if there are none.
    """
    before, started = os.times(), time.monotonic()
    unheard = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=ROOT, **unheard)
    watched, own, children = psutil.Process(process.pid), 0, 0
    while process.poll() is None:
        try:
            own = max(own, watched.memory_info().rss)
            for child in watched.children(recursive=True):
                children = max(children, child.memory_info().rss)
        except psutil.NoSuchProcess:
            pass
        time.sleep(0.1)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    seconds, after = time.monotonic() - started, os.times()
    cpu = sum(after[2:4]) - sum(before[2:4])
    return seconds, cpu, children or own


def main() -> None:
    """Measures, and prints a row for each number of workers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--export_dir", required=True)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2])
    given = parser.parse_args()
    print("| workers | seconds | pictures/s | s of CPU | MiB of a worker |")
    print("|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as scratch:
        pictures = pathlib.Path(scratch, "pictures")
        pictures.mkdir()
        write_pictures(pictures, given.pictures)
        for workers in given.workers:
            command = [sys.executable, "predict.py", str(pictures)]
            command += [f"--export_dir={os.path.abspath(given.export_dir)}"]
            command += [f"--out_dir={scratch}/out{workers}"]
            command += ["--runner=DirectRunner"] if workers else []
            if workers > 1:
                command += ["--", f"--direct_num_workers={workers}"]
                command += ["--direct_running_mode=multi_processing"]
            seconds, cpu, memory = measured(command)
            print(
                f"| {workers or 'local path'} | {seconds:.0f} | {given.pictures / seconds:.0f} | "
                f"{cpu:.0f} | {memory / 2**20:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
