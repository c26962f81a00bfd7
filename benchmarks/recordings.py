"""Reading of recordings: time and memory beside `polars.read_csv`, and beside an older checkout.

python benchmarks/recordings.py [--samples=5000000] [--recordings=2000] [--before=CHECKOUT]
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_PICTURES, _SECONDS = 20, 4
_WIDTH, _HEIGHT = 1024, 768


def write_table(
    path: pathlib.Path, count: int, seed: int = 0, rate: int = 500, first: int = 0
) -> None:
    """Writes one table of samples.

    Args:
        path: the file.
        count: how many samples; viewers look at 20 pictures for 4 s each.
        seed: of the gaze.
        rate: samples a second.
        first: number of the first viewer.
    """
    rng = np.random.default_rng(seed)
    length = _SECONDS * rate
    with open(path, "w") as file:
        file.write("t,x,y,viewer,stem\n")
        for number in range(-(-count // length)):
            time_ms, x, y = _scanpath(rng, min(length, count - number * length), rate)
            who, what = f"v{first + number // _PICTURES:04d}", f"p{number % _PICTURES:02d}"
            file.write(
                "".join(
                    f"{t},{a:.2f},{b:.2f},{who},{what}.png\n"
                    for t, a, b in zip(
                        (time_ms + 5000 * (number % _PICTURES)).tolist(),
                        x.tolist(),
                        y.tolist(),
                        strict=True,
                    )
                )
            )


def write_study(root: pathlib.Path) -> None:
    """Writes the pictures and facts of a study without gaze.

    Args:
        root: an empty folder.
    """
    from PIL import Image

    (root / "images").mkdir(parents=True)
    (root / "samples").mkdir()
    for number in range(_PICTURES):
        picture = Image.new("RGB", (_WIDTH, _HEIGHT), (number, 90, 150))
        picture.save(root / f"images/p{number:02d}.png")
    (root / "recording.json").write_text(json.dumps({"pixels_per_degree": 35}))
    (root / "placement.csv").write_text(f"stem,left,top,width,height\n*,0,0,{_WIDTH},{_HEIGHT}\n")


def _scanpath(
    rng: np.random.Generator, count: int, rate: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Time (whole ms), x and y: fixations of about 250 ms with 0.1 degrees of noise."""
    number = np.cumsum(rng.random(count) < 1 / (0.25 * rate))
    places = rng.uniform((50, 50), (_WIDTH - 50, _HEIGHT - 50), (number.max(initial=0) + 1, 2))
    points = places[number] + rng.normal(0, 1.5, (count, 2))
    return np.arange(count) * 1000 // rate, points[:, 0], points[:, 1]


def _measure(code: str, checkout: pathlib.Path) -> dict[str, float]:
    """Runs code in a process of its own.

    Returns:
        Seconds, seconds of all processors, and the most megabytes beyond what it began with.
    """
    lines = [
        "import json, resource, sys, time, threading, os",
        f"sys.path.insert(0, {str(checkout)!r})",
        "def held():",
        "    with open('/proc/self/statm') as f:",
        "        return int(f.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')",
        "IMPORTS",
        "begin, peak, stop = held(), [0], threading.Event()",
        "def watch():",
        "    while not stop.wait(0.01):",
        "        peak[0] = max(peak[0], held())",
        "threading.Thread(target=watch, daemon=True).start()",
        "started, worked = time.perf_counter(), time.process_time()",
        "BODY",
        "found = {'seconds': time.perf_counter() - started}",
        "found['processor'] = time.process_time() - worked",
        "stop.set()",
        "print(json.dumps({**found, 'megabytes': (peak[0] - begin) / 1e6, **more}))",
    ]
    imports, body = code.split("\n---\n")
    text = "\n".join(lines).replace("IMPORTS", imports).replace("BODY", body)
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3")
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, env=environment
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def _polars(path: pathlib.Path) -> str:
    return f"import polars\n---\nframe = polars.read_csv({str(path)!r}); more = {{}}"


def _study(root: pathlib.Path) -> str:
    body = (
        f"found = study.open_study({str(root)!r}); "
        "more = {'fixations': sum(len(f.x) for f in found.gaze.by_stem.values())}"
    )
    return f"import polars\nfrom tfds_builders.gaze_folder import study\n---\n{body}"


def _check(root: pathlib.Path) -> str:
    imports = (
        "import pathlib, polars, scipy.stats\n"
        "from tfds_builders.gaze_folder import contact_sheet, report, study"
    )
    body = (
        f"found = study.open_study({str(root)!r}); text = str(report.examine(found))\n"
        "contact_sheet.draw(found)\n"
        "more = {}"
    )
    return f"{imports}\n---\n{body}"


def _build(root: pathlib.Path) -> str:
    imports = (
        "import polars, tensorflow as tf, tensorflow_datasets as tfds, tfds_builders\n"
        "tfds.disable_progress_bar(); tf.constant(0)"
    )
    body = (
        f"config = tfds.download.DownloadConfig(manual_dir={str(root)!r})\n"
        f"builder = tfds.builder('gaze_folder', data_dir={str(root) + '_set'!r})\n"
        "builder.download_and_prepare(download_config=config)\n"
        "more = {}"
    )
    return f"{imports}\n---\n{body}"


def _reading(path: pathlib.Path) -> str:
    imports = (
        "import pathlib, polars\nfrom tfds_builders.gaze_folder.readers import formats, reader"
    )
    body = (
        f"file = formats.open_file(pathlib.Path({str(path)!r}), reader.Setting())\n"
        "more = {'presentations': sum(1 for _ in file.presentations())}"
    )
    return f"{imports}\n---\n{body}"


def measure_table(folder: pathlib.Path, count: int, before: pathlib.Path | None) -> None:
    """Prints what one table takes.

    Args:
        folder: an empty folder.
        count: samples in it.
        before: an older checkout, or None.
    """
    write_study(folder)
    path = folder / "samples/all.csv"
    write_table(path, count)
    megabytes = path.stat().st_size / 1e6
    print(f"{count} samples in one table of {megabytes:.0f} MB")
    base = _measure(_polars(path), _ROOT)
    _line("polars.read_csv", base, base, megabytes)
    _line("ours, reading", _measure(_reading(path), _ROOT), base, megabytes)
    _line("ours, reading and fixations", _measure(_study(folder), _ROOT), base, megabytes)
    if before:
        _line("before, the same", _measure(_study(folder), before), base, megabytes)


def measure_files(folder: pathlib.Path, count: int) -> None:
    """Prints what many recordings of a minute take.

    Args:
        folder: an empty folder.
        count: how many; a tenth of them is measured for comparison.
    """
    jobs = {"read": _study, "check": _check, "build": _build}
    megabytes: dict[str, list[float]] = {name: [] for name in jobs}
    for part in (count // 10, count):
        root = folder / str(part)
        write_study(root)
        for number in range(part):
            # Each is a file of its own, of another viewer; the gaze of each differs.
            path = root / f"samples/r{number:04d}.csv"
            write_table(path, 60 * 60, seed=number, rate=60, first=number)
        size = sum(path.stat().st_size for path in (root / "samples").iterdir()) / 1e6
        print(f"{part} recordings of 60 s at 60 Hz, {size:.0f} MB", flush=True)
        for name, code in jobs.items():
            found = _measure(code(root), _ROOT)
            megabytes[name].append(found["megabytes"])
            print(
                f"{name:5}: {found['processor']:5.1f} s of processor time, "
                f"{found['megabytes']:5.1f} MB of memory",
                flush=True,
            )
    for name, (few, many) in megabytes.items():
        kept = 1000 * (many - few) / max(count - count // 10, 1)
        print(f"{name:5}: memory grows by {kept:.1f} kB with each recording")


def _line(name: str, found: dict, base: dict, megabytes: float) -> None:
    more = {k: v for k, v in found.items() if k not in ("seconds", "processor", "megabytes")}
    print(
        f"{name:28}: {found['seconds']:6.2f} s ({found['seconds'] / base['seconds']:5.1f} times), "
        f"{found['megabytes']:6.0f} MB ({found['megabytes'] / megabytes:4.1f} times the file) "
        f"{more or ''}",
        flush=True,
    )


def main() -> None:
    """Runs the measurements."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=5_000_000)
    parser.add_argument("--recordings", type=int, default=2000)
    parser.add_argument("--before", type=pathlib.Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.samples:
            measure_table(pathlib.Path(folder, "table"), given.samples, given.before)
        if given.recordings:
            measure_files(pathlib.Path(folder, "files"), given.recordings)


if __name__ == "__main__":
    main()
