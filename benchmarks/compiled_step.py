"""A training step as the loop takes it, left to TensorFlow, compiled by XLA and so on, in turns.

Forms: "none" leaves everything to TensorFlow, "one_thread" has it compute an operation by one
thread and several at a time, "weight_gradients" has XLA compile those of large convolutions, "xla"
is compiled as a whole. Each form runs in a process of its own, so that memory is its own too.
Processor time counts what both cores do and hardly depends on other work; wall time is that of a
quiet machine only.

python -m benchmarks.compiled_step --parts=joint,detector,classifier --batch_size=4
python -m benchmarks.compiled_step --forms=none,one_thread --widths=0.125,0.25 --image_size=196
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from benchmarks import forms

_FORMS = ("none", "one_thread", "weight_gradients", "xla")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", default="joint", help="of joint, detector, classifier")
    forms.add_flag(parser, _FORMS, "none,xla")
    parser.add_argument("--widths", default="1.0")
    parser.add_argument("--precision", default="float32", help="Keras dtype policy")
    parser.add_argument("--image_size", type=int, default=299)
    parser.add_argument("--batch_size", type=int, default=4)
    parser.add_argument("--steps", type=int, default=3, help="timed steps in each turn")
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--one", help=argparse.SUPPRESS)  # a form, in this process
    return parser.parse_args()


def model_of(part: str, width: float, image_size: int):
    """A network of the paper at a width, as its stage trains it."""
    from salclass_tf.classifiers import build_classifier
    from salclass_tf.detectors import build_detector
    from salclass_tf.model import ClassifierModel, DetectorModel, SalClassNet
    from salclass_tf.optimization import optimizers

    sizes = {"image_size": image_size, "width": width}
    if part == "detector":
        model = DetectorModel(build_detector("vgg19", **sizes))
    elif part == "classifier":
        model = ClassifierModel(build_classifier(**sizes))
    else:
        model = SalClassNet(build_detector("vgg19", **sizes), build_classifier(**sizes))
    model.compile(optimizers.SGD(1e-3, momentum=0.9, weight_decay=5e-4))
    return model


def _batch(images: int, side: int) -> dict:
    """Blurred noise with smooth maps, as large as crops."""
    import numpy as np
    import tensorflow as tf

    rng = np.random.default_rng(0)
    coarse = rng.uniform(0, 255, (images, 24, 24, 3)), rng.uniform(0, 1, (images, 10, 10, 1))
    image, saliency = (tf.image.resize(values, (side, side)) for values in coarse)
    return {"image": image, "saliency": saliency, "label": tf.range(images) % 12}


def _measure(given: argparse.Namespace) -> dict[str, float]:
    """One form of one step in this process: seconds of its start and of its steps, memory."""
    import keras
    import tensorflow as tf

    from salclass_tf.training import compilation, networks

    if given.one == "one_thread":
        tf.config.threading.set_intra_op_parallelism_threads(1)
    keras.config.set_dtype_policy(given.precision)
    keras.utils.set_random_seed(0)
    model = model_of(given.parts, float(given.widths), given.image_size)
    model.optimizer.build(model.trainable_variables)
    if given.one != "xla":
        networks.fuse_normalizations(model)
    compiled = given.one == "xla" or None
    taken = compilation.training_step(model, given.one)
    step = tf.function(taken, autograph=False, jit_compile=compiled)
    batch = _batch(given.batch_size, given.image_size)
    moments = [(time.process_time(), time.perf_counter())]
    for _ in range(given.steps + 1):
        float(step(batch)["step_loss"])
        moments.append((time.process_time(), time.perf_counter()))
    spent = [(b[0] - a[0], b[1] - a[1]) for a, b in zip(moments, moments[1:], strict=False)]
    first, *steps = spent
    return {
        "start_cpu": first[0] - min(cpu for cpu, _ in steps),
        "start_wall": first[1] - min(wall for _, wall in steps),
        "step_cpu": statistics.median(cpu for cpu, _ in steps),
        "step_wall": statistics.median(wall for _, wall in steps),
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "gflop": compilation.operations(model) / 1e9,
    }


def _in_own_process(part: str, width: str, form: str) -> dict[str, float]:
    """What `_measure` finds, in a fresh process."""
    flags = [f"--parts={part}", f"--widths={width}", f"--one={form}"]
    with tempfile.TemporaryFile("w+") as told:
        command = [sys.executable, "-m", "benchmarks.compiled_step", *sys.argv[1:], *flags]
        subprocess.run(command, stdout=told, check=True)
        told.seek(0)
        return json.loads(told.read().splitlines()[-1])


def main() -> None:
    """Measures every part at every width in each form, and prints a table."""
    given = _parse()
    if given.one:
        print(json.dumps(_measure(given)))
        return
    print(f"{given.precision}, {given.image_size} px, batch {given.batch_size}; seconds, medians")
    print(
        "| part | width | GFLOP an image | form | start, processor | step, processor "
        "| step, wall | images/s, wall | peak memory, GiB |"
    )
    print("|---|--:|--:|---|--:|--:|--:|--:|--:|")
    for part in given.parts.split(","):
        for width in given.widths.split(","):
            found = {form: [] for form in given.forms}
            for _ in range(given.turns):
                for form, turns in found.items():
                    turns.append(_in_own_process(part, width, form))
            for form, turns in found.items():
                middle = {key: statistics.median(t[key] for t in turns) for key in turns[0]}
                rate = given.batch_size / middle["step_wall"]
                print(
                    f"| {part} | {width} | {middle['gflop']:.1f} | {form} "
                    f"| {middle['start_cpu']:.1f} | {middle['step_cpu']:.3f} "
                    f"| {middle['step_wall']:.3f} | {rate:.3f} | {middle['peak_gib']:.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
