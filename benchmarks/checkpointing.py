"""What saving costs: one checkpoint of the joint network, and the share of it in a whole run.

python -m benchmarks.checkpointing --width=1.0
python -m benchmarks.checkpointing --run=classifier --data_dir=DIR
"""

import argparse
import functools
import pathlib
import tempfile
import time
from unittest import mock

import numpy as np


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--times", type=int, default=5, help="checkpoints to write")
    parser.add_argument("--run", metavar="STAGE", help="train this stage of the demo instead")
    parser.add_argument("--data_dir", help="prepared data sets, for --run")
    return parser.parse_args()


def one_checkpoint(width: float, times: int) -> None:
    """Writes checkpoints of the joint network and prints what one costs."""
    import keras

    from salclass_tf.classifiers import build_classifier
    from salclass_tf.detectors import build_detector
    from salclass_tf.model import SalClassNet
    from salclass_tf.optimization import optimizers
    from salclass_tf.training import Execution
    from salclass_tf.training.checkpoints import Checkpoints

    keras.utils.set_random_seed(0)
    model = SalClassNet(build_detector("vgg19", width=width), build_classifier(width=width))
    model.compile(optimizers.SGD(1e-3, momentum=0.9))
    model.optimizer.build(model.trainable_variables)
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        kept = Checkpoints(pathlib.Path(folder), model)
        for step in range(times):
            started = time.perf_counter()
            kept.save(step, {})
            seconds.append(time.perf_counter() - started)
        files = kept.newest.parent.glob(f"{kept.newest.name}.*")
        size = sum(path.stat().st_size for path in files)
    interval = Execution().checkpoint_seconds
    middle = float(np.median(seconds))
    print("| parameters | size of one | median of | seconds | share of one every | share |")
    print("|--:|--:|--:|--:|--:|--:|")
    print(
        f"| {model.count_params():,} | {size / 2**20:.0f} MiB | {times} | {middle:.2f} | "
        f"{interval:.0f} s | {middle / interval:.2%} |"
    )


def whole_run(stage: str, data_dir: str | None) -> None:
    """Trains a stage of the demo, and prints the share of its time that went into saving."""
    from salclass_tf import config, training
    from salclass_tf.training import checkpoints, loop

    spent = {"training, validation and saving": [], "checkpoints": [], "the kept network": []}
    owners = ((loop.Loop, "run"), (checkpoints.Checkpoints, "save"), (loop.Loop, "_write_network"))
    with tempfile.TemporaryDirectory() as folder:
        patches = [
            mock.patch.object(owner, name, _timed(getattr(owner, name), seconds))
            for (owner, name), seconds in zip(owners, spent.values(), strict=True)
        ]
        for patch in patches:
            patch.start()
        chosen = config.build_config().override(
            stage, {"pretrain_detector": False, "pretrain_classifier": False}, {}
        )
        training.run(chosen, stage, folder, data_dir)
    whole = sum(spent["training, validation and saving"])
    print("| part | times | seconds | share |")
    print("|---|--:|--:|--:|")
    for part, seconds in spent.items():
        print(f"| {part} | {len(seconds)} | {sum(seconds):.2f} | {sum(seconds) / whole:.2%} |")


def _timed(function, seconds: list[float]):
    """A function that notes how long it takes."""

    @functools.wraps(function)
    def noting(*args):
        started = time.perf_counter()
        try:
            return function(*args)
        finally:
            seconds.append(time.perf_counter() - started)

    return noting


def main() -> None:
    """Measures what was asked for."""
    given = _parse()
    if given.run:
        whole_run(given.run, given.data_dir)
    else:
        one_checkpoint(given.width, given.times)


if __name__ == "__main__":
    main()
