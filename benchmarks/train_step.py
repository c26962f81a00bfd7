"""The full-size joint step: a bare compiled Keras step beside the training loop's steady rate.

Also what the start of the loop's step costs: its operations, tracing and the first call.

python -m benchmarks.train_step --precision=float32
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--precision", default="float32", help="Keras dtype policy")
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--image_size", type=int, default=299)
    parser.add_argument("--batch_size", type=int, default=16)
    parser.add_argument("--steps", type=int, default=4, help="timed steps of each")
    return parser.parse_args()


def paper_model(given: argparse.Namespace):
    """The paper's two networks, joined, with the paper's optimizer."""
    from salclass_tf.classifiers import build_classifier
    from salclass_tf.detectors import build_detector
    from salclass_tf.model import SalClassNet
    from salclass_tf.optimization import optimizers

    sizes = {"image_size": given.image_size, "width": given.width}
    model = SalClassNet(build_detector("vgg19", **sizes), build_classifier(**sizes))
    model.compile(optimizers.SGD(1e-3, momentum=0.9, weight_decay=5e-4))
    return model


def _source(images: int):
    """Encoded pictures of 480x360 with fixations, as a prepared data set gives them."""
    import tensorflow as tf

    rng = np.random.default_rng(0)

    def examples():
        for index in range(images):
            coarse = tf.image.resize(rng.integers(0, 256, (24, 32, 3)), (360, 480))
            gaze = {key: rng.uniform(20, 340, 6).astype(np.float32) for key in "xy"}
            yield {
                "image": tf.io.encode_jpeg(tf.cast(coarse, tf.uint8)).numpy(),
                "image/id": str(index),
                "label": index % 120,
                "fixations": gaze,
            }

    vector = tf.TensorSpec([None], tf.float32)
    signature = {
        "image": tf.TensorSpec([], tf.string),
        "image/id": tf.TensorSpec([], tf.string),
        "label": tf.TensorSpec([], tf.int64),
        "fixations": {"x": vector, "y": vector},
    }
    dataset = tf.data.Dataset.from_generator(examples, output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(images)).cache()


def _bare_rate(given: argparse.Namespace, batch: dict) -> float:
    """Images per second of `train_step` alone, compiled, on one batch over and over."""
    import tensorflow as tf

    from salclass_tf.devices import precision

    compiled = precision.needs_xla(given.precision) or None
    step = tf.function(paper_model(given).train_step, jit_compile=compiled)
    float(step(batch)["step_loss"])
    started = time.perf_counter()
    for _ in range(given.steps):
        loss = step(batch)["step_loss"]
    float(loss)
    return given.steps * given.batch_size / (time.perf_counter() - started)


def _loop_rate(given: argparse.Namespace, epoch) -> tuple[float, str]:
    """Images per second of the training loop from its second step on; what its start costs."""
    import pathlib

    from salclass_tf.config import Stage
    from salclass_tf.devices import precision
    from salclass_tf.training import loop

    stage = Stage("generated", batch_size=given.batch_size, epochs=1)
    feed = loop.Feed(epoch, given.steps + 1, validation=None)
    moments = []

    class Timed(loop.Loop):
        def _step(self, batch):
            super()._step(batch)
            float(self._unchecked[-1][1])
            moments.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        by_xla = precision.needs_xla(given.precision)
        training = Timed(
            "joint", stage, paper_model(given), feed, path, given.steps + 1, by_xla=by_xla
        )
        start = _start(training, next(iter(epoch(0, 0))))
        training.run()
    return (len(moments) - 1) * given.batch_size / (moments[-1] - moments[0]), start


def _start(training, batch: dict) -> str:
    """Operations of the loop's step, and the processor time until it has been taken once."""
    began = time.process_time()
    traced = training._train_step.get_concrete_function(batch)
    ready = time.process_time()
    float(training._train_step(batch))
    return (
        f"step of the training loop: {len(traced.graph.get_operations())} operations, traced in "
        f"{ready - began:.1f} s, first call {time.process_time() - ready:.1f} s of processor time"
    )


def epochs(given: argparse.Namespace) -> Callable[[int, int], Any]:
    """Batches of training on generated images, by epoch and steps to leave out."""
    from salclass_tf.data import pipeline
    from salclass_tf.data.geometry import Geometry

    source = _source((given.steps + 1) * given.batch_size)

    def epoch(number: int, skip: int):
        return pipeline.training_batches(
            source,
            geometry=Geometry.for_image_size(given.image_size),
            sigma_px=10.0,
            batch_size=given.batch_size,
            seed=0,
            epoch=number,
            crops=1,
            mirror="random",
            skip_steps=skip,
        )

    return epoch


def main() -> None:
    """Measures both and prints them."""
    given = _parse()
    import keras

    keras.config.set_dtype_policy(given.precision)
    epoch = epochs(given)
    bare = _bare_rate(given, next(iter(epoch(0, 0))))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    own, start = _loop_rate(given, epoch)
    print("| step | precision | batch | images/s | ratio to bare |")
    print("|---|---|--:|--:|--:|")
    for name, rate in (("bare compiled step", bare), ("training loop", own)):
        print(
            f"| {name} | {given.precision} | {given.batch_size} | {rate:.3f} | {rate / bare:.2f} |"
        )
    print(start)
    print(f"peak memory after the bare step {peak:.2f} GiB")


if __name__ == "__main__":
    main()
