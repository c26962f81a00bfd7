"""The scripts as a user meets them: what is printed for a mistake, and the exit code."""

import pathlib
import subprocess
import sys

import commands
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (("--stage=jiont",), "saliency_pretrain"),
        (("--preset=tiny",), "paper"),
        (("--alpha=-1",), "alpha"),
        (("--dataset=osei",), "osie"),
        (("--detector=vgg17",), "vgg19"),
        (("joint",), "--name=value"),
        (("--dataset=osie", "--stage=saliency_pretrain", "--manual_dir=nowhere"), "nowhere"),
        (("--steps=0",), "steps"),
        (("--stage=saliency", "--alpha=0.5"), "stage joint"),
        (("--stage=saliency_pretrain", "--nopretrain_detector"), "--nopretrain_detector"),
        (("--cache_features=memory", "--nofixed_views"), "leave --nofixed_views out"),
    ],
)
def test_mistake_gets_one_line_that_names_it(flags, named, tmp_path):
    done = commands.run(
        "train.py", *flags, f"--workdir={tmp_path}/run", f"--data_dir={tmp_path}/data"
    )
    assert done.returncode != 0
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_bad_own_folder_is_named_before_tensorflow_is_imported(tmp_path):
    flags = ("--dataset=gaze_folder", f"--manual_dir={tmp_path}", f"--data_dir={tmp_path}/data")
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "train.py", *flags],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if not line.startswith("import time")]
    assert len(lines) == 1 and f"{tmp_path} must hold images" in lines[0]
    assert "tensorflow.python" not in done.stderr
