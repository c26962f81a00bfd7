"""What of the training step of a stage XLA compiles, and why."""

import contextlib
import dataclasses
import math
import sys
import threading
from collections.abc import Callable, Iterator

import keras
import tensorflow as tf
from tqdm import tqdm

from salclass_tf import layers
from salclass_tf.devices import precision
from salclass_tf.devices.placement import Placement
from salclass_tf.failures import reason
from salclass_tf.model import GazeModel
from salclass_tf.model.examples import Batch

# Measured by `python -m benchmarks.convolution_rates`, docs/scaling.md: convolutions whose gradient
# by the kernel XLA takes faster, by the work of one image forward and the channels they read.
_WORTH_GFLOP = 0.1
_WORTH_CHANNELS = 32

# Between two lines on how long it takes, where nobody sees a line that changes.
_PIPE_SECONDS = 15.0


@dataclasses.dataclass(frozen=True)
class Compilation:
    """How the steps of a stage are carried out.

    Attributes:
        name: what a stage notes in its settings, and `--compile` takes: "xla" (the whole step),
            "weight_gradients" (those of large convolutions) or "none".
        why: the reason, for the log.
    """

    name: str
    why: str

    @property
    def by_xla(self) -> bool:
        """Whether XLA compiles the whole step."""
        return self.name == "xla"


def check(asked: str, placement: Placement) -> None:
    """Checks that what was asked for can be done on some devices.

    Args:
        asked: one of `config.COMPILES`.
        placement: the devices.

    Raises:
        ValueError: if anything of the steps of several replicas, or of a TPU, is to be compiled.
    """
    replicas = placement.strategy.num_replicas_in_sync
    on_tpu = isinstance(placement.strategy, tf.distribute.TPUStrategy)
    if asked not in ("auto", "none") and (replicas > 1 or placement.workers > 1 or on_tpu):
        raise ValueError(
            f"compile {asked} is for one CPU or GPU; {placement.name} has {replicas} replicas in "
            f"{placement.workers} process(es): leave --compile out, or choose --strategy=cpu or gpu"
        )


def decide(
    asked: str,
    noted: str | None,
    placement: Placement,
    model: GazeModel,
    deterministic: bool = False,
) -> Compilation:
    """Decides for a stage: the same again for the same command on the same machine.

    Nothing is timed, since a run that goes on, or is repeated, has to compute as before.

    Args:
        asked: one of `config.COMPILES`.
        noted: what the stage was begun with, see `Compilation.name`; None where it begins, or is
            older than this choice.
        placement: the devices.
        model: what is trained, under the policy that it is trained with.
        deterministic: whether deterministic operations alone were asked for.

    Returns:
        The decision.
    """
    if placement.strategy.num_replicas_in_sync > 1 or placement.workers > 1:
        return Compilation("none", "the step is shared by several replicas")
    if asked != "auto":
        return Compilation(asked, "as asked")
    if noted not in (None, "auto"):
        return Compilation(noted, "as this stage was begun")
    return _automatic(placement, model, deterministic)


def _automatic(placement: Placement, model: GazeModel, deterministic: bool) -> Compilation:
    """What pays by what was measured; on a GPU, where nothing was, what Keras' `fit` does."""
    policy = keras.config.dtype_policy().name
    if isinstance(placement.strategy, tf.distribute.TPUStrategy):
        return Compilation("none", "the TPU's own strategy compiles it")
    if tf.config.get_visible_devices("GPU"):
        if deterministic:
            return Compilation("none", "only deterministic operations were asked for")
        return Compilation("xla", "a GPU, as Keras' fit does; not measured by us")
    if precision.needs_xla(policy):
        return Compilation("xla", "the CPU has no bfloat16 arithmetic, so XLA widens it")
    if policy != "float32":
        return Compilation("none", f"{policy} on a CPU is left to TensorFlow")
    if not precision.has_onednn():
        return Compilation("none", "oneDNN is turned off, without which it was not measured")
    flags = precision.cpu_flags().split()
    if "avx2" not in flags or "avx512f" in flags:
        return Compilation("none", "on a CPU it pays only with AVX2 and without AVX-512")
    worth = len(worth_compiling(model))
    if not worth:
        return Compilation("none", "no convolution is large enough")
    return Compilation("weight_gradients", f"{worth} convolutions on a CPU with AVX2 alone")


def worth_compiling(model: GazeModel) -> list[keras.layers.Conv2D]:
    """Returns the convolutions whose gradients of the kernel XLA is to compile.

    Args:
        model: what is trained; of layers that do not learn there are none.
    """
    found = [layer for network in model.networks_of_steps() for layer in layers.leaves(network)]
    return [layer for layer in found if _is_worth_compiling(layer)]


def _is_worth_compiling(layer: keras.layers.Layer) -> bool:
    """Whether a layer is a convolution of which XLA takes the gradient faster."""
    return (
        type(layer) is keras.layers.Conv2D
        and layer.trainable
        and layer.groups == 1
        and max(layer.dilation_rate) == 1
        and layer.data_format == "channels_last"
        and max(layer.kernel_size) > 1
        and layer.kernel.shape[-2] >= _WORTH_CHANNELS
        and layer_operations(layer) >= _WORTH_GFLOP * 1e9
    )


def training_step(model: GazeModel, form: str) -> Callable[[Batch], dict]:
    """Returns the step of a model, to be traced; of form "xla" it is to be compiled as a whole.

    Args:
        model: what is trained.
        form: see `Compilation.name`.
    """
    if form != "weight_gradients":
        return model.train_step
    convolutions = worth_compiling(model)

    def step(batch: Batch) -> dict:
        with layers.compiled_weight_gradients(convolutions):
            return model.train_step(batch)

    return step


def operations(model: GazeModel) -> int:
    """Returns the floating-point operations of a training step for one image.

    A multiply-add counts as two, the step as three forward passes. Counted over convolutions and
    dense layers whose output size is known, which are all but a few in a thousand.

    Args:
        model: a model of one or two networks.
    """
    return 3 * sum(forward_operations(network) for network in model.networks_of_steps())


def forward_operations(network: keras.Model) -> int:
    """Returns the floating-point operations of a forward pass of one image; see `operations`."""
    return sum(layer_operations(layer) for layer in layers.leaves(network))


def layer_operations(layer: keras.Layer) -> int:
    """Returns the operations of one layer's forward pass, 0 where they are few or unknown."""
    if not isinstance(layer, (keras.layers.Conv2D, keras.layers.Dense)):
        return 0
    places = getattr(layer, "output", None)  # of a layer that is used twice there is none
    if places is None or None in places.shape[1:]:
        return 0
    return 2 * math.prod(places.shape[1:-1]) * math.prod(layer.kernel.shape)


@contextlib.contextmanager
def shown(stage: str) -> Iterator[None]:
    """Shows for how long XLA has been compiling, and names a remedy if it cannot.

    Args:
        stage: its name.

    Raises:
        ValueError: if XLA cannot compile what it is given; other errors of the step pass.
    """
    done = threading.Event()
    clock = threading.Thread(target=_count_seconds, args=(stage, done), daemon=True)
    clock.start()
    try:
        yield
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError) as error:
        if "XLA" not in error.message:
            raise
        raise ValueError(
            f"XLA cannot compile the step of stage {stage} ({reason(error)}); give --compile=none"
        ) from error
    finally:
        done.set()
        clock.join()


def _count_seconds(stage: str, done: threading.Event) -> None:
    """Writes the seconds that pass until it is done."""
    every = 1.0 if sys.stderr.isatty() else _PIPE_SECONDS
    with tqdm(
        desc=f"{stage}: XLA compiles the step",
        bar_format="{desc}, {elapsed}",
        mininterval=0.0,
        leave=False,
    ) as line:
        while not done.wait(every):
            line.refresh()
