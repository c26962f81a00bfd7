"""The joint step: the training loop beside a bare Keras step and other ways to take it, in turns.

python -m benchmarks.train_step --precision=float32
python -m benchmarks.train_step --batch_size=4 --turns=3 --forms=loop,bare,xla --against_torch \
    --against=247be46 --layers

"loop" is the training loop from its second step on, with batches of the data pipeline, as
`--compile=auto` has it; "plain" and "xla" the same with nothing of its step compiled, or all;
"bare" a `tf.function` of `train_step` on one batch over and over.
PyTorch takes the same networks, weights and batch, channels last, in float32, where it is
installed. A revision runs its own benchmark; the memory it prints is that of its bare step. Every
form has a process of its own, so that memory is its own too, and all take turns.

With `--layers`: what every layer takes alone, forward and backward, by TensorFlow. Together these
are what a step made of these operations can reach. Also what the start of the loop's step costs:
its operations, tracing and the first call.
"""

import argparse
import contextlib
import json
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import forms, revisions

_FORMS = ("loop", "plain", "bare", "xla")
_OWN_PROCESS = (sys.executable, "-m", "benchmarks.train_step")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--precision", default="float32", help="Keras dtype policy")
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--image_size", type=int, default=299)
    parser.add_argument("--batch_size", type=int, default=16)
    parser.add_argument("--steps", type=int, default=4, help="timed steps of each")
    parser.add_argument("--turns", type=int, default=1)
    forms.add_flag(parser, _FORMS, "bare,loop")
    parser.add_argument("--against_torch", action="store_true", help="PyTorch beside, in float32")
    parser.add_argument("--torch_python", default=sys.executable, help="Python that has PyTorch")
    parser.add_argument("--against", help="a revision of this repository, whose loop runs beside")
    parser.add_argument("--layers", action="store_true", help="what each layer takes alone")
    parser.add_argument("--one", help=argparse.SUPPRESS)  # a form, in this process
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
        model = paper_model(given)
        training = Timed(
            "joint", stage, model, feed, path, given.steps + 1, compiled=_form(given.one, model)
        )
        start = _start(training, next(iter(epoch(0, 0))))
        training.run()
    return (len(moments) - 1) * given.batch_size / (moments[-1] - moments[0]), start


def _form(name: str, model) -> str:
    """What of the step XLA compiles in a form of the loop."""
    import tensorflow as tf

    from salclass_tf.devices.placement import Placement
    from salclass_tf.training import compilation

    asked = {"loop": "auto", "plain": "none"}.get(name, name)
    here = Placement(tf.distribute.get_strategy(), "a benchmark")
    return compilation.decide(asked, None, here, model).name


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


def _measure(given: argparse.Namespace) -> dict[str, Any]:
    """One form in this process."""
    import keras

    keras.config.set_dtype_policy(given.precision)
    epoch = epochs(given)
    if given.one == "bare":
        return {"images_per_second": _bare_rate(given, next(iter(epoch(0, 0))))}
    rate, start = _loop_rate(given, epoch)
    return {"images_per_second": rate, "start": start}


def _print_layers(given: argparse.Namespace) -> None:
    """What each layer takes, in this process."""
    import keras

    from benchmarks import layer_times

    keras.config.set_dtype_policy(given.precision)
    layer_times.print_all(given, paper_model(given))


def _run(command: list[str], **settings) -> tuple[str, float]:
    """What a process prints, and the most memory that it held, GiB."""
    with tempfile.TemporaryFile("w+") as told:
        process = subprocess.Popen(command, stdout=told, **settings)
        _, status, used = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"error: {' '.join(command)} failed")
        told.seek(0)
        return told.read(), used.ru_maxrss / 2**20


def _by_own_process(form: str) -> dict[str, Any]:
    """A form of this tree."""
    told, peak = _run([*_OWN_PROCESS, *sys.argv[1:], f"--one={form}"])
    return json.loads(told.splitlines()[-1]) | {"peak_gib": peak}


def loop_rate(told: str) -> float | None:
    """Images per second of the loop, from the table that a revision's benchmark prints.

    Before it had forms, rows were of step, precision, batch, rate and ratio to the bare step.

    Args:
        told: all that it prints.
    """
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in told.splitlines()]
    for name, *cells in (row for row in rows if row):
        if name in ("loop", "training loop"):
            return float(cells[2 if name == "training loop" else 0])
    return None


def _by_revision(given: argparse.Namespace, tree: pathlib.Path) -> dict[str, Any]:
    """The loop of another revision, by the benchmark that it has itself."""
    names = ("precision", "width", "image_size", "batch_size", "steps")
    flags = [f"--{name}={getattr(given, name)}" for name in names]
    told, _ = _run(
        [sys.executable, "-P", "-m", "benchmarks.train_step", *flags],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree)},
    )
    rate = loop_rate(told)
    if rate is None:
        raise SystemExit(f"error: benchmarks.train_step of {given.against} prints no loop")
    peak = re.search(r"^peak memory after the bare step ([0-9.]+)", told, re.MULTILINE)
    return {
        "images_per_second": rate,
        "peak_gib": float(peak[1]) if peak else math.nan,
    }


def _by_torch(given: argparse.Namespace, folder: pathlib.Path) -> dict[str, Any]:
    """The twin's step."""
    flags = [str(folder), f"--steps={given.steps}"]
    told, peak = _run([given.torch_python, "-m", "benchmarks.torch_twin", *flags])
    return json.loads(told.splitlines()[-1]) | {"peak_gib": peak}


def _save_for_torch(given: argparse.Namespace, folder: pathlib.Path) -> None:
    """Writes both networks, a batch, and what they answer to it in training."""
    model = paper_model(given)
    batch = next(iter(epochs(given)(0, 0)))
    values = {
        f"{part}/{layer.name}/{number}": value
        for part in ("detector", "classifier")
        for layer in getattr(model, part).layers
        for number, value in enumerate(layer.get_weights())
    }
    values |= {name: batch[name].numpy() for name in ("image", "saliency")}
    values["label"] = batch["label"].numpy().astype(np.int64)
    out = model(batch, training=True)
    values |= {"answer_map": out["saliency"].numpy(), "answer_logits": out["logits"].numpy()}
    values["answer_loss"] = model.track(batch, out).numpy()
    np.savez(folder / "values.npz", **values)
    parts = {part: getattr(model, part).get_config() for part in ("detector", "classifier")}
    (folder / "networks.json").write_text(json.dumps(parts), encoding="utf-8")


def _print_rates(given: argparse.Namespace, found: dict[str, list[dict]]) -> None:
    """The table of all forms, and what the loop's start costs."""
    rates = {form: [one["images_per_second"] for one in turns] for form, turns in found.items()}
    first = statistics.median(next(iter(rates.values())))
    print(
        f"{given.precision}, width {given.width}, {given.image_size} px, batch {given.batch_size}"
    )
    print("| step | images/s, median | each turn | to the first row | peak memory, GiB |")
    print("|---|--:|---|--:|--:|")
    for form, turns in found.items():
        middle = statistics.median(rates[form])
        each = ", ".join(f"{rate:.3f}" for rate in rates[form])
        peak = max(one["peak_gib"] for one in turns)
        print(f"| {form} | {middle:.3f} | {each} | {middle / first:.2f} | {peak:.2f} |")
    for form, turns in found.items():
        if "start" in turns[0]:
            print(f"{form}: {turns[0]['start']}")


def main() -> None:
    """Measures all forms in turns and prints them."""
    given = _parse()
    if given.one == "layers":
        _print_layers(given)
        return
    if given.one:
        print(json.dumps(_measure(given)))
        return
    ways: dict[str, Callable[[], dict[str, Any]]] = {
        form: lambda form=form: _by_own_process(form) for form in given.forms
    }
    with contextlib.ExitStack() as open_folders:
        if given.against:
            tree = open_folders.enter_context(revisions.checked_out(given.against))
            ways[given.against] = lambda: _by_revision(given, tree)
        if given.against_torch:
            folder = pathlib.Path(open_folders.enter_context(tempfile.TemporaryDirectory()))
            _save_for_torch(given, folder)
            ways["PyTorch"] = lambda: _by_torch(given, folder)
        found = {way: [] for way in ways}
        for _ in range(given.turns):
            for way, measure in ways.items():
                found[way].append(measure())
    _print_rates(given, found)
    if given.layers:
        subprocess.run([*_OWN_PROCESS, *sys.argv[1:], "--one=layers"], check=True)


if __name__ == "__main__":
    main()
