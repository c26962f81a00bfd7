import logging
import os
import signal
import sys
import time

import absl.logging
import pytest
from dotted_sets import DottedNoise

from salclass_tf import commandline


@pytest.fixture
def run(monkeypatch):
    """Runs a function as a command, in this process, and returns its exit code."""
    own = logging.getLogger("salclass_tf")
    for name in ("propagate", "level", "handlers"):
        value = getattr(own, name)
        monkeypatch.setattr(own, name, list(value) if name == "handlers" else value)
    monkeypatch.setattr(absl.logging, "set_verbosity", lambda _: None)
    monkeypatch.setattr(commandline.app, "run", lambda guarded: sys.exit(guarded(["command"])))

    def run(main):
        with pytest.raises(SystemExit) as end:
            commandline.run(main)
        return end.value.code

    return run


def test_interruption_without_words_is_called_one(run, capsys):
    def interrupted():
        raise KeyboardInterrupt

    assert run(interrupted) == 130
    assert capsys.readouterr().err == "\ninterrupted; the same command goes on\n"


def test_sigterm_ends_a_command_with_a_word_and_its_preparation_leaves_nothing(
    run, tmp_path, monkeypatch, capsys
):
    seen = []

    def interrupted(self, *_):
        seen.extend(tmp_path.rglob("*incomplete*"))
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)  # the handler is called in it
        yield

    monkeypatch.setattr(DottedNoise, "_generate_examples", interrupted)
    before = signal.getsignal(signal.SIGTERM)
    assert run(lambda: DottedNoise(data_dir=tmp_path).download_and_prepare()) == 130
    assert "stopped by SIGTERM; the same command goes on" in capsys.readouterr().err
    assert seen and not list(tmp_path.rglob("*incomplete*"))
    assert signal.getsignal(signal.SIGTERM) == before
