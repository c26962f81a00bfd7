"""Kills prediction on Beam with two workers: the same command goes on, with the same shards.

python -m benchmarks.campaigns.sharded_kills --kills=20

Needs requirements-beam.txt. Every second kill takes the command alone, and leaves its workers to
find out; the others take the workers too, as a machine that loses power. After each kill every
shard that has its name is compared with that of an undisturbed job, byte for byte.
"""

import argparse
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]

_PICTURES, _SHARD = 400, 10


class Jobs:
    """The same job in several folders.

    Args:
        folder: gets pictures, export and log.
    """

    def __init__(self, folder: pathlib.Path):
        sys.path.insert(0, str(ROOT / "tests/support"))
        import demo_export

        self._folder = folder
        demo_export.write(folder / "export" / "1")
        (folder / "pictures").mkdir()
        rng = np.random.default_rng(0)
        for number in range(_PICTURES):
            pixels = rng.integers(0, 256, (60, 80, 3), np.uint8)
            Image.fromarray(pixels).save(folder / "pictures" / f"{number:04}.jpg")
        (folder / "pictures" / "0007.jpg").write_bytes(b"no image")

    def start(self, out: pathlib.Path) -> subprocess.Popen:
        """Starts it; its process group is its own."""
        command = [sys.executable, "predict.py", str(self._folder / "pictures")]
        command += [f"--export_dir={self._folder / 'export'}", f"--out_dir={out}"]
        command += [f"--shard_images={_SHARD}", "--runner=DirectRunner", "--"]
        command += ["--direct_num_workers=2", "--direct_running_mode=multi_processing"]
        with (self._folder / "log").open("wb") as log:
            return subprocess.Popen(
                command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )

    def log(self) -> str:
        """What the last one has printed."""
        return (self._folder / "log").read_text(errors="replace")


def shards(out: pathlib.Path) -> dict[str, bytes]:
    """The shards that have their names."""
    return {path.name: path.read_bytes() for path in (out / "shards").glob("predictions-*")}


def main() -> None:
    """Kills, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=3600, help="no kill after them")
    parser.add_argument("--seed", type=int, default=0, help="draws the moments")
    given = parser.parse_args()
    end, draw = time.monotonic() + given.seconds, random.Random(given.seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        jobs = Jobs(folder)
        started = time.monotonic()
        if jobs.start(folder / "undisturbed").wait() != 3:  # one picture is broken
            raise RuntimeError(jobs.log()[-2000:])
        seconds = time.monotonic() - started
        expected = shards(folder / "undisturbed")
        kills = ends = torn = wrong = left = kept = 0
        while kills < given.kills and time.monotonic() < end or not ends:
            out = folder / f"killed{ends}"
            last = kills >= given.kills or time.monotonic() >= end
            before = len(shards(out))
            process = jobs.start(out)
            try:
                code = process.wait(None if last else draw.uniform(0.3, 1.0) * seconds)
            except subprocess.TimeoutExpired:
                if kills % 2:
                    process.kill()
                else:
                    os.killpg(process.pid, signal.SIGKILL)
                code = process.wait()
            found = shards(out)
            torn += sum(found[name] != expected.get(name) for name in found)
            if code == -signal.SIGKILL:
                kills, kept = kills + 1, kept + len(found) - before
                continue
            ends += 1
            wrong += code != 3 or set(found) != set(expected)
            time.sleep(1)
            left += sum(path.name.startswith(".") for path in (out / "shards").iterdir())
            if code != 3:
                print(jobs.log()[-1000:])
        print("| kills | shards they left | ends | torn shards | wrong at the end | left over |")
        print("|--:|--:|--:|--:|--:|--:|")
        print(f"| {kills} | {kept} | {ends} | {torn} | {wrong} | {left} |")


if __name__ == "__main__":
    main()
