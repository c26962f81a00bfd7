"""One process of a tiny run, for tests that kill it or start several: see test_survival.py."""

import argparse
import logging
import os
import pathlib
import random
import signal
import threading

import dotted_sets  # registers the data set of noise
import keras

from salclass_tf import config, training
from salclass_tf.training import checkpoints, history, loop, stages

assert dotted_sets.DottedNoise.name == "dotted_noise"


def settings(epochs: int, dropout: float) -> config.Config:
    """Tiny networks; momentum and batch normalisation included."""
    optimizer = config.Optimizer(learning_rate=0.05, inverse_decay=1e-2)
    stage = config.Stage(
        "dotted_noise", optimizer, epochs, batch_size=4, crops=1, validation_share=0.25
    )
    return config.Config(
        preset="demo",
        stages=dict.fromkeys(config.STAGES, stage),
        detector="vgg16",
        classifier="vgg16",
        classifier_options={"vgg16": {"top": "dense", "dropout": dropout}},
        pretrain_classifier=False,
        compare_rgb=False,
        width=1 / 64,
        image_size=32,
        short_side=36,
        precision="float32",
    )


class Losses(keras.callbacks.Callback):
    """Notes the loss of every step in a file, a line each."""

    def __init__(self, path: pathlib.Path):
        super().__init__()
        self.path = path

    def on_train_batch_end(self, batch, logs=None):
        """Adds a line."""
        with self.path.open("a") as file:
            file.write(f"{float(logs['loss'])!r}\n")


def kill_at(moment: str, workdir: pathlib.Path) -> None:
    """Has this process killed, as `kill -9` does, at a moment such as "step:3"."""
    where, number = moment.split(":")
    owner, name = {
        "step": (loop.Loop, "_step"),
        "validation": (loop.Loop, "_validate"),
        "history": (history.History, "_write_rows"),
        "network": (loop.Loop, "_write_network"),
        "checkpoint": (checkpoints.Checkpoints, "save"),
        "write": (checkpoints.Checkpoints, "save"),
        "border": (stages, "_make"),  # the second time: between the first stage and the next
    }[where]
    original, calls = getattr(owner, name), []

    def deadly(*args):
        calls.append(1)
        if len(calls) == int(number) and where == "write":
            threading.Thread(target=kill_in_write, args=(workdir,), daemon=True).start()
        elif len(calls) == int(number):
            # A moment later: somewhere in what the call does, or soon after.
            later = random.uniform(0, 0.02)
            threading.Timer(later, os.kill, (os.getpid(), signal.SIGKILL)).start()
        return original(*args)

    setattr(owner, name, deadly)


def kill_in_write(workdir: pathlib.Path) -> None:
    """Kills this process as soon as TensorFlow has begun to write a checkpoint."""
    while not list(workdir.glob("*/checkpoints/unfinished")):
        pass
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Trains one stage."""
    parser = argparse.ArgumentParser()
    parser.add_argument("workdir", type=pathlib.Path)
    parser.add_argument("data_dir")
    parser.add_argument("--stage", default="classifier")
    parser.add_argument("--strategy", default="cpu")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--dropout", type=float, default=0.25)
    parser.add_argument("--losses", type=pathlib.Path)
    parser.add_argument("--kill_at")
    given = parser.parse_args()
    if given.kill_at:
        kill_at(given.kill_at, given.workdir)
    stages.report.draw = lambda *drawn: []  # nobody looks at them
    execution = training.Execution(
        strategy=given.strategy,
        checkpoint_steps=1,
        deterministic=True,
        callbacks=lambda stage: [Losses(given.losses)] if given.losses else [],
    )
    training.run(
        settings(given.epochs, given.dropout),
        given.stage,
        given.workdir,
        given.data_dir,
        None,
        execution,
    )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    try:
        main()
    except (ValueError, OSError) as error:
        raise SystemExit(f"error: {error}") from None
    except KeyboardInterrupt as stop:
        print(stop)
        raise SystemExit(130) from None
