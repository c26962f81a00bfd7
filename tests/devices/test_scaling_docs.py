"""The examples of docs/scaling.md: what the processes that they start would see."""

import json
import os
import pathlib
import re
import subprocess

import pytest

from salclass_tf.devices import placement

TEXT = (pathlib.Path(__file__).parents[2] / "docs" / "scaling.md").read_text()


@pytest.fixture
def stand_ins(tmp_path):
    """Programs that say what they were called with, in place of Slurm's and of Python."""
    programs = {
        "scontrol": 'if [ $1 = show ]; then printf "n1\\nn2\\n"; else echo "scontrol $*"; fi',
        "srun": 'for i in 0 1; do SLURM_PROCID=$i "$@"; code=$?; done; exit $code',
        "python": 'echo "$TF_CONFIG"; echo "$*"; exit 130',
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / name).chmod(0o755)

    def run(script, **environment):
        path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
        done = subprocess.run(
            ["bash", "-c", script], env={"PATH": path} | environment, capture_output=True, text=True
        )
        assert not done.stderr
        return done.stdout.splitlines()

    return run


def place(text, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    return placement._cluster()


def test_slurm_job_numbers_its_workers_and_goes_back_into_the_queue(stand_ins, monkeypatch):
    [script] = re.findall(r"```sh\n(#!/bin/bash\n.*?)```", TEXT, re.S)
    job = {"SLURM_JOB_ID": "7", "SLURM_JOB_NODELIST": "n[1-2]", "SCRATCH": "/scratch"}
    first, flags, second, _, requeued = stand_ins(script, **job)
    assert place(first, monkeypatch) == (["n1:2222", "n2:2222"], 0)
    assert place(second, monkeypatch) == (["n1:2222", "n2:2222"], 1)
    assert "--preset=paper" in flags and "--workdir=/scratch/run" in flags
    assert requeued == "scontrol requeue 7"


def test_kubernetes_job_numbers_its_workers(stand_ins, monkeypatch):
    [lines] = re.findall(r"- >-\n(.*?)\n +resources:", TEXT, re.S)
    script = " ".join(line.strip() for line in lines.splitlines())  # as YAML folds it
    said, flags = stand_ins(script, JOB_COMPLETION_INDEX="1")
    assert place(said, monkeypatch) == (["salclass-0.salclass:2222", "salclass-1.salclass:2222"], 1)
    assert "--data_dir=/shared/data" in flags


def test_several_hosts_by_hand(monkeypatch):
    [text] = re.findall(r"^TF_CONFIG='(.*)' \\$", TEXT, re.M)
    assert place(text, monkeypatch) == (json.loads(text)["cluster"]["worker"], 0)
