"""What checkpoints cost: seconds for one, and its share of the default interval.

python -m benchmarks.checkpointing --width=1.0
"""

import argparse
import pathlib
import tempfile
import time

import numpy as np


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--times", type=int, default=5, help="checkpoints to write")
    return parser.parse_args()


def main() -> None:
    """Writes checkpoints of the joint network and prints what they cost."""
    given = _parse()
    import keras

    from salclass_tf import optimizers
    from salclass_tf.classifiers import build_classifier
    from salclass_tf.detectors import build_detector
    from salclass_tf.model import SalClassNet
    from salclass_tf.training import Execution
    from salclass_tf.training.checkpoints import Checkpoints

    keras.utils.set_random_seed(0)
    model = SalClassNet(
        build_detector("vgg19", width=given.width), build_classifier(width=given.width)
    )
    model.compile(optimizers.SGD(1e-3, momentum=0.9))
    model.optimizer.build(model.trainable_variables)
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        kept = Checkpoints(pathlib.Path(folder), model)
        for step in range(given.times):
            started = time.perf_counter()
            kept.save(step, {})
            seconds.append(time.perf_counter() - started)
        size = sum(path.stat().st_size for path in pathlib.Path(f"{kept.newest}").parent.glob("*"))
    interval = Execution().checkpoint_seconds
    middle = float(np.median(seconds))
    print("| parameters | size of one | median of | seconds | share of one every | share |")
    print("|--:|--:|--:|--:|--:|--:|")
    print(
        f"| {model.count_params():,} | {size / 2 / 2**20:.0f} MiB | {given.times} | {middle:.2f} | "
        f"{interval:.0f} s | {middle / interval:.2%} |"
    )


if __name__ == "__main__":
    main()
