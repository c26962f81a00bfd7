"""What each layer of the joint step takes alone: `benchmarks.train_step --layers` prints it."""

import argparse
import statistics
import time
from collections.abc import Iterator

import keras
import tensorflow as tf

from salclass_tf import layers
from salclass_tf.devices.placement import Placement
from salclass_tf.model import SalClassNet
from salclass_tf.training import compilation, networks

_ROUNDS = 3  # of which the median counts
_SECONDS = 0.2  # that a round takes at least
_ROWS = 20  # of the table; what is left is one row


def _gradients(
    layer: keras.layers.Layer, batch_size: int, compiled: list[keras.layers.Layer]
) -> tf.types.experimental.Callable:
    """A layer forward and backward, as training has it, on noise.

    Of layers among `compiled` XLA compiles the gradient of the kernel.
    """
    shapes = [(batch_size, *tensor.shape[1:]) for tensor in tf.nest.flatten(layer.input)]
    inputs = [tf.random.stateless_normal(shape, (0, n)) for n, shape in enumerate(shapes)]
    given = [tf.cast(one, layer.compute_dtype) for one in inputs]
    variables = layer.trainable_variables
    # Nothing asks for the gradient of an image.
    watched = [] if any(shape[-1] == 3 for shape in shapes) else given
    upstream = tf.random.stateless_normal((batch_size, *layer.output.shape[1:]), (1, 0))

    @tf.function(autograph=False)
    def step(inputs, upstream):
        sources = [*(inputs if watched else ()), *variables]
        with layers.compiled_weight_gradients([one for one in compiled if one is layer]):
            with tf.GradientTape() as tape:
                tape.watch(inputs if watched else [])
                out = layer(inputs if len(inputs) > 1 else inputs[0], training=True)
            return tape.gradient(out, sources, tf.cast(upstream, out.dtype)) if sources else out

    return lambda: step(given, upstream)


def _seconds(work: tf.types.experimental.Callable) -> float:
    """The median of some rounds, after one that does not count."""
    work()
    taken = []
    for _ in range(_ROUNDS):
        began, count = time.perf_counter(), 0
        while count == 0 or time.perf_counter() - began < _SECONDS:
            last = work()
            count += 1
        tf.nest.map_structure(lambda one: one.numpy() if one is not None else None, last)
        taken.append((time.perf_counter() - began) / count)
    return statistics.median(taken)


def _update(model: SalClassNet) -> tf.types.experimental.Callable:
    """The optimizer's step, with gradients that are there already."""
    variables = model.trainable_variables
    model.optimizer.build(variables)
    gradients = [tf.ones_like(variable) for variable in variables]
    step = tf.function(lambda given: model.optimizer.apply(given, variables), autograph=False)
    return lambda: step(gradients)


def _parts(model: SalClassNet) -> Iterator[tuple[str, keras.layers.Layer]]:
    """All layers that compute something, with the group that they are counted in."""
    for part in (model.detector, model.classifier):
        name = "detector" if part is model.detector else "classifier"
        for layer in part.layers:
            if not isinstance(layer, keras.layers.InputLayer):
                yield f"{name}: {_group(layer)}", layer


def _group(layer: keras.layers.Layer) -> str:
    """Convolutions one by one by their shape, others by their kind."""
    if not isinstance(layer, keras.layers.Conv2D):
        return type(layer).__name__
    kernel = "x".join(str(side) for side in layer.kernel_size)
    rows, _, channels = layer.input.shape[1:]
    strided = ", strided" if max(layer.strides) > 1 else ""
    return f"convolution {kernel}{strided}, {channels} to {layer.filters} channels, {rows} rows"


def print_all(given: argparse.Namespace, model: SalClassNet) -> None:
    """Prints groups of layers, the longest first, their sum, and what a step of them would reach.

    Args:
        given: the benchmark's flags.
        model: compiled, of the policy that is measured.
    """
    networks.fuse_normalizations(model)
    here = Placement(tf.distribute.get_strategy(), "a benchmark")
    by_xla = compilation.decide("auto", None, here, model).name == "weight_gradients"
    compiled = compilation.worth_compiling(model) if by_xla else []
    found: dict[str, list[float]] = {}
    known: dict[str, float] = {}
    for group, layer in _parts(model):
        work = 3 * compilation.layer_operations(layer) * given.batch_size / 1e9
        alike = f"{group} {[one.shape for one in tf.nest.flatten([layer.input, layer.output])]}"
        if alike not in known:
            known[alike] = _seconds(_gradients(layer, given.batch_size, compiled))
        row = found.setdefault(group, [0, 0.0, 0.0])
        found[group] = [row[0] + 1, row[1] + work, row[2] + known[alike]]
    found["optimizer"] = [1, 0.0, _seconds(_update(model))]
    total = sum(seconds for *_, seconds in found.values())
    print("\n| layers, each alone, forward and backward | of them | GFLOP | ms | share | GFLOP/s |")
    print("|---|--:|--:|--:|--:|--:|")
    rows = sorted(found.items(), key=lambda item: -item[1][2])
    left = [sum(column) for column in zip(*(row for _, row in rows[_ROWS:]), strict=True)]
    rows = [*rows[:_ROWS], *([(f"{len(rows) - _ROWS} other kinds", left)] if left else [])]
    for group, (count, work, seconds) in rows:
        rate = f"{work / seconds:.0f}" if work else ""
        cells = [count, f"{work:.1f}", f"{1000 * seconds:.1f}", f"{seconds / total:.1%}", rate]
        print(f"| {group} | {' | '.join(map(str, cells))} |")
    convolutions = [row for group, row in found.items() if "convolution" in group]
    alone = sum(seconds for *_, seconds in convolutions)
    print(
        f"all layers: {given.batch_size / total:.3f} images/s; convolutions: "
        f"{given.batch_size / alone:.3f} images/s, "
        f"{sum(work for _, work, _ in convolutions) / alone:.0f} GFLOP/s"
    )
