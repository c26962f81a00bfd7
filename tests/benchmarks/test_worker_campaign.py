"""How the campaign of workers judges what it sees, and the moments of campaigns that kill."""

import signal
import subprocess
import sys
import zipfile

import commands
import h5py
import numpy as np
import pytest

from benchmarks.campaigns import stage_files
from benchmarks.campaigns.workers import TROUBLES, Outcome


@pytest.mark.parametrize(
    ("trouble", "outcome", "problem"),
    [
        ("lost", Outcome(6.1, [1], 1, "-9", 0.0), None),
        ("lost", Outcome(None, [], 0, "-9", 0.0), "do not end"),
        ("frozen", Outcome(7.0, [1, 0, 1], 2, "-9", 0.0), "without the message"),
        ("frozen", Outcome(7.0, [1, 1, 1], 2, "-9", 0.0), "told by 2"),
        ("frozen chief", Outcome(7.0, [1], 1, "-9", 2e-4), "as an undisturbed run"),
        ("frozen chief", Outcome(7.0, [1], 1, "-9", None), "as an undisturbed run"),
        ("slow", Outcome(20.0, [0, 0, 0], 0, "0", 9e-5), None),
        ("slow", Outcome(20.0, [1, 1, 1], 3, "1", 0.0), "does not go on"),
        ("paused", Outcome(20.0, [0], 0, "0", float("nan")), "as an undisturbed run"),
    ],
)
def test_what_is_wrong_with_a_run_is_said(trouble, outcome, problem):
    found = outcome.problems(TROUBLES[trouble])
    assert (not found) if problem is None else (len(found) == 1 and problem in found[0])


def write_stage(folder, weights, *rows):
    folder.mkdir()
    with h5py.File(folder / "weights", "w") as file:
        file["layer/0"] = np.float32(weights)
    with zipfile.ZipFile(folder / "model.keras", "w") as archive:
        archive.write(folder / "weights", "model.weights.h5")
    (folder / "history.csv").write_text("epoch,loss,images_per_second\n" + "\n".join(rows) + "\n")
    return folder


def test_largest_difference_is_relative_and_leaves_out_the_speed(tmp_path):
    one = write_stage(tmp_path / "one", [4.0, 0.001], "1,2.0,17.5")
    same = write_stage(tmp_path / "same", [4.0, 0.001], "1,2.0,9.5")
    assert stage_files.largest_difference(one, same) == 0
    other = write_stage(tmp_path / "other", [4.0, 0.003], "1,2.0,17.5")
    assert stage_files.largest_difference(other, one) == pytest.approx(0.002 / 4)
    slower = write_stage(tmp_path / "slower", [4.0, 0.001], "1,2.5,17.5")
    assert stage_files.largest_difference(slower, one) == pytest.approx(0.5 / 2)
    longer = write_stage(tmp_path / "longer", [4.0, 0.001], "1,2.0,17.5", "2,1.0,17.5")
    assert stage_files.largest_difference(longer, one) == float("inf")


@pytest.mark.parametrize(("fatal", "code", "left"), [(2, -signal.SIGKILL, (1, 2)), (99, 0, (3,))])
def test_a_process_is_killed_at_an_event_of_its_files(tmp_path, fatal, code, left):
    script = (
        "import pathlib, sys, time\n"
        "from benchmarks.campaigns.file_events import FileEvents\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        f"events = FileEvents(folder / 'out', {fatal})\n"
        "events.begin()\n"
        "(folder / 'outside').write_text('')\n"
        "for name in 'abc':\n"
        "    (folder / 'out' / name).write_text(name)\n"
        f"    time.sleep(30 * (events.count == {fatal}))\n"  # the kill comes in a thread
        "assert events.count == 3\n"
    )
    (tmp_path / "out").mkdir()
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=commands.ROOT)
    assert done.returncode == code
    written = [path for path in (tmp_path / "out").iterdir() if path.read_text()]
    assert len(written) in left
