"""Runs that are killed, crowded out, left without room, or spread over two processes."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import commands
import keras
import numpy as np
import pytest

from salclass_tf.runs import sole_user
from salclass_tf.training import history

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATHS = os.pathsep.join([str(ROOT), str(ROOT / "tests/support")])


def command(workdir, data_dir, *flags):
    script = str(ROOT / "tests/support/tiny_run.py")
    return [sys.executable, script, str(workdir), data_dir, *map(str, flags)]


def alone(*given):
    """Runs one process to its end; returns its exit code and what it has printed."""
    done = commands.run("tests/support/tiny_run.py", *given)
    return done.returncode, done.stdout + done.stderr


def start(words, **environment):
    changed = os.environ | {"PYTHONPATH": PATHS, "OMP_NUM_THREADS": "1"} | environment
    return subprocess.Popen(
        words, env=changed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finish(process):
    output, _ = process.communicate(timeout=900)  # minutes on a busy machine
    return process.returncode, output


def in_own_network(script):
    """A shell script in a network namespace: TensorFlow's workers listen on all interfaces."""
    if subprocess.run(["unshare", "-rn", "ip", "link"], capture_output=True).returncode:
        pytest.skip("no network namespaces here (unshare -rn, iproute2)")
    return ["unshare", "-rn", "sh", "-c", f"ip link set lo up && {script}"]


def weights(workdir, stage="classifier"):
    return keras.models.load_model(workdir / stage / "model.keras", compile=False).get_weights()


def assert_same_end(one, other):
    for left, right in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(left, right)
    tables = [(path / "classifier" / "history.csv").read_text() for path in (one, other)]
    for left, right in zip(*(table.splitlines() for table in tables), strict=True):
        names = tables[0].splitlines()[0].split(",")
        values = [dict(zip(names, line.split(","), strict=True)) for line in (left, right)]
        rates = [value.pop("images_per_second") for value in values]
        assert values[0] == values[1] and all(rates)


@pytest.mark.slow
def test_killed_five_times_and_torn_a_run_ends_bit_for_bit_as_if_undisturbed(
    tiny_data_dir, tmp_path
):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    flags = "--epochs=4"
    code, output = alone(whole, tiny_data_dir, flags)
    assert code == 0, output
    # Nine training images, both mirrors: four steps an epoch, a checkpoint after each.
    moments = ["step:2", "write:2", "validation:1", "network:1", "checkpoint:4"]
    for moment in moments:
        code, output = alone(broken, tiny_data_dir, flags, f"--kill_at={moment}")
        assert code == -signal.SIGKILL, f"{moment}: {output}"
    torn = max(broken.glob("*/checkpoints/*.data-*"), key=lambda path: path.stat().st_mtime_ns)
    torn.write_bytes(torn.read_bytes()[:100])
    code, output = alone(broken, tiny_data_dir, flags)
    assert code == 0 and "goes on at step" in output, output
    assert f"{torn.stem} does not read" in output
    assert_same_end(whole, broken)
    assert not list(broken.rglob("unfinished")) and not list(broken.rglob("*tempstate*"))


@pytest.mark.slow
def test_full_disk_is_said_and_the_checkpoints_before_stay(tiny_data_dir, tmp_path):
    mounted = tmp_path / "disk"
    mounted.mkdir()
    words = command(mounted / "run", tiny_data_dir, "--epochs=2")
    quoted = " ".join(words)
    # Networks and checkpoints take about 100 kB each: room for some of them.
    script = (
        f"mount -t tmpfs -o size=260k none {mounted} && {quoted}; "
        f"cp -r {mounted}/run {tmp_path}/left; true"
    )
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("no mount namespaces here (unshare -rm)")
    _, output = finish(start(["unshare", "-rm", "sh", "-c", script]))
    assert "Traceback" not in output
    [error] = [line for line in output.splitlines() if line.startswith("error: ")]
    assert "No space left on device. Checkpoints before it are intact" in error
    assert "make room, then the same command goes on" in error
    assert "{{" not in error and "[Op:" not in error
    code, output = alone(tmp_path / "left", tiny_data_dir, "--epochs=2")
    assert code == 0, output


def test_second_process_on_a_folder_is_refused(tmp_path):
    with sole_user.sole_user(tmp_path):
        with pytest.raises(ValueError, match=f"process {os.getpid()}"):
            with sole_user.sole_user(tmp_path):
                pass
    with sole_user.sole_user(tmp_path):
        pass


def cluster(index, ports=(23451, 23452)):
    workers = [f"127.0.0.1:{port}" for port in ports]
    return json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}})


def two_workers(tmp_path, workdir, data_dir, *flags, of_second=()):
    """The words of a shell command that runs two workers and prints what became of them."""
    lines = []
    for index in (0, 1):
        own = (*flags, "--strategy=multi_worker", f"--losses={tmp_path}/losses{index}")
        words = " ".join(command(workdir, data_dir, *own, *(of_second if index else ())))
        lines.append(f"TF_CONFIG='{cluster(index)}' {words} > {tmp_path}/log{index} 2>&1 &")
        lines.append(f"pid{index}=$!; echo $pid{index} > {tmp_path}/pid{index}; ")
    ends = "".join(f"wait $pid{i}; echo worker {i} ended with $?; " for i in (0, 1))
    return in_own_network("{ " + " ".join(lines) + ends + "}")


def losses(path):
    return [float(line) for line in path.read_text().split()]


@pytest.mark.slow
def test_two_workers_follow_the_loss_of_one_process_though_one_is_lost(tiny_data_dir, tmp_path):
    """The other ends with a word, and a restart of both goes on to the same end."""
    flags = ("--epochs=3", "--dropout=0")  # each replica draws its own dropout
    code, output = alone(tmp_path / "one", tiny_data_dir, *flags, f"--losses={tmp_path}/alone")
    assert code == 0, output
    one = losses(tmp_path / "alone")
    assert len(one) == 12
    both = (tmp_path, tmp_path / "two", tiny_data_dir, *flags)

    _, output = finish(start(two_workers(*both, of_second=["--kill_at=step:7"])))
    log = (tmp_path / "log0").read_text()
    assert "worker 0 ended with 0" not in output and "worker 1 ended with 137" in output, output
    [error] = [line for line in log.splitlines() if line.startswith("error: ")]
    assert "another worker of this run has gone" in error and "same commands" in error
    assert "{{" not in error
    before = losses(tmp_path / "losses0")
    assert 5 <= len(before) < 12
    for index in (0, 1):
        (tmp_path / f"losses{index}").unlink()

    _, output = finish(start(two_workers(*both)))
    logs = [(tmp_path / f"log{index}").read_text() for index in (0, 1)]
    assert output.split() == "worker 0 ended with 0 worker 1 ended with 0".split(), logs
    [step] = re.findall(r"goes on at step (\d+)", logs[0])
    assert 5 <= int(step) <= len(before)
    after = losses(tmp_path / "losses0")
    assert after == losses(tmp_path / "losses1")
    np.testing.assert_allclose(before[: int(step)] + after, one, rtol=1e-4)
    for left, right in zip(weights(tmp_path / "one"), weights(tmp_path / "two"), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-3, atol=1e-5)
    rows = [history.read(tmp_path / n / "classifier" / "history.csv") for n in ("one", "two")]
    assert len(rows[0]) == len(rows[1]) == 3
    assert rows[0][-1]["val_loss"] == pytest.approx(rows[1][-1]["val_loss"], rel=1e-3)


def signal_second_worker(process, tmp_path, number):
    """Sends a signal to the second of two workers when it has taken five steps."""
    written = tmp_path / "losses1"
    deadline = time.monotonic() + 600
    while not written.is_file() or len(written.read_text().split()) < 5:
        assert time.monotonic() < deadline and process.poll() is None, finish(process)
        time.sleep(0.1)
    os.kill(int((tmp_path / "pid1").read_text()), number)


@pytest.mark.slow
def test_sigterm_to_one_worker_saves_and_ends_all(tiny_data_dir, tmp_path):
    process = start(two_workers(tmp_path, tmp_path / "run", tiny_data_dir, "--epochs=400"))
    signal_second_worker(process, tmp_path, signal.SIGTERM)
    _, output = finish(process)
    logs = [(tmp_path / f"log{index}").read_text() for index in (0, 1)]
    assert output.split() == "worker 0 ended with 130 worker 1 ended with 130".split(), logs
    [step] = re.findall(r"^stopped by another worker at step (\d+)", logs[0], re.M)
    assert f"stopped by SIGTERM at step {step}" in logs[1]
    [newest] = (tmp_path / "run" / "classifier" / "checkpoints").glob(f"ckpt-{step}.index")
