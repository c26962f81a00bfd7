"""Prints how fast each convolution of the joint step is: forward, and both of its gradients.

python -m benchmarks.convolution_rates
python -m benchmarks.convolution_rates --width=0.25 --batch_size=16

The gradient by the kernel is taken by TensorFlow and by XLA: `--compile=weight_gradients` has XLA
take those that are marked, which is a rule by size. Rates are GFLOP/s of all cores.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import keras
import tensorflow as tf

from benchmarks import compiled_step
from salclass_tf.classifiers import rgbs
from salclass_tf.training import compilation

_SECONDS = 0.3  # that each is repeated for, three times at least


def _seconds(work: Callable, *given: tf.Tensor) -> float:
    """The median of some repetitions, after one that does not count."""
    work(*given)
    taken, began = [], time.perf_counter()
    while len(taken) < 3 or time.perf_counter() - began < _SECONDS:
        started = time.perf_counter()
        work(*given)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def _rates(layer: keras.layers.Conv2D, batch_size: int) -> list[float]:
    """Seconds of a layer: forward, by the input, by the kernel, by the kernel with XLA."""
    shapes = [(batch_size, *one.shape[1:]) for one in (layer.input, layer.output)]
    shapes.insert(1, tuple(layer.kernel.shape))
    image, kernel, upstream = (
        tf.random.stateless_normal(shape, (0, n)) for n, shape in enumerate(shapes)
    )
    geometry = {
        "strides": (1, *layer.strides, 1),
        "padding": layer.padding.upper(),
    }

    def forward(image, kernel):
        return tf.nn.conv2d(image, kernel, **geometry)

    def by_input(kernel, upstream):
        return tf.raw_ops.Conv2DBackpropInput(
            input_sizes=shapes[0], filter=kernel, out_backprop=upstream, **geometry
        )

    def by_kernel(image, upstream):
        return tf.raw_ops.Conv2DBackpropFilter(
            input=image, filter_sizes=shapes[1], out_backprop=upstream, **geometry
        )

    return [
        _seconds(tf.function(forward, autograph=False), image, kernel),
        _seconds(tf.function(by_input, autograph=False), kernel, upstream),
        _seconds(tf.function(by_kernel, autograph=False), image, upstream),
        _seconds(tf.function(by_kernel, autograph=False, jit_compile=True), image, upstream),
    ]


def main() -> None:
    """Measures each kind of convolution once and prints them, those with the most work first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--image_size", type=int, default=299)
    parser.add_argument("--batch_size", type=int, default=4)
    parser.add_argument(
        "--rows", type=int, default=20, help="of the table; the others are left out"
    )
    given = parser.parse_args()
    model = compiled_step.model_of("joint", given.width, given.image_size)
    marked = compilation.worth_compiling(model)
    kinds: dict[tuple, list[keras.layers.Conv2D]] = {}
    for layer in (one for part in model.networks_of_steps() for one in rgbs.leaves(part)):
        if isinstance(layer, keras.layers.Conv2D):
            kind = (layer.input.shape[1:], tuple(layer.kernel.shape), layer.strides, layer.padding)
            kinds.setdefault(kind, []).append(layer)
    rows = sorted(kinds.values(), key=lambda alike: -compilation.layer_operations(alike[0]))
    print("| convolution | of them | GFLOP an image | forward | by input | by kernel | by XLA | |")
    print("|---|--:|--:|--:|--:|--:|--:|---|")
    for layer, *others in rows[: given.rows]:
        work = compilation.layer_operations(layer) / 1e9
        rates = [work * given.batch_size / one for one in _rates(layer, given.batch_size)]
        rows_in, _, channels = layer.input.shape[1:]
        size = "x".join(map(str, layer.kernel_size))
        name = f"{size}, {channels} to {layer.filters} channels, {rows_in} rows"
        cells = [name, 1 + len(others), f"{work:.2f}", *(f"{rate:.0f}" for rate in rates)]
        cells.append("marked" if layer in marked else "")
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
