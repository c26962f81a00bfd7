"""Whether XLA compiles the training step of a stage, and why."""

import contextlib
import dataclasses
import math
import sys
import threading
from collections.abc import Iterator

import keras
import tensorflow as tf
from tqdm import tqdm

from salclass_tf.classifiers import rgbs
from salclass_tf.devices import precision
from salclass_tf.devices.placement import Placement
from salclass_tf.failures import reason
from salclass_tf.model import GazeModel

# Measured by `python -m benchmarks.compiled_step`, docs/scaling.md: the least work of a step that
# float32 on a CPU does faster when it is compiled, and the images after which compiling has paid.
_WORTH_GFLOP = 100.0
_WORTH_IMAGES = 2000

# Between two lines on how long it takes, where nobody sees a line that changes.
_PIPE_SECONDS = 15.0


@dataclasses.dataclass(frozen=True)
class Compilation:
    """How the steps of a stage are carried out.

    Attributes:
        by_xla: whether XLA compiles them.
        why: the reason, for the log.
    """

    by_xla: bool
    why: str

    @property
    def name(self) -> str:
        """What a stage notes in its settings, and `--compile` takes: "xla" or "none"."""
        return "xla" if self.by_xla else "none"


def check(asked: str, placement: Placement) -> None:
    """Checks that what was asked for can be done on some devices.

    Args:
        asked: one of `config.COMPILES`.
        placement: the devices.

    Raises:
        ValueError: if steps of several replicas, or of a TPU, are to be compiled.
    """
    replicas = placement.strategy.num_replicas_in_sync
    on_tpu = isinstance(placement.strategy, tf.distribute.TPUStrategy)
    if asked == "xla" and (replicas > 1 or placement.workers > 1 or on_tpu):
        raise ValueError(
            f"compile xla is for one CPU or GPU; {placement.name} has {replicas} replicas in "
            f"{placement.workers} process(es): leave --compile out, or choose --strategy=cpu or gpu"
        )


def decide(
    asked: str,
    noted: str | None,
    placement: Placement,
    model: GazeModel,
    images: int,
    deterministic: bool = False,
) -> Compilation:
    """Decides for a stage: the same again for the same command on the same machine.

    Nothing is timed, since a run that goes on, or is repeated, has to compute as before.

    Args:
        asked: one of `config.COMPILES`.
        noted: what the stage was begun with, "xla" or "none"; None where it begins, or is older
            than this choice.
        placement: the devices.
        model: what is trained, under the policy that it is trained with.
        images: how many the stage sees, if it comes to its last epoch.
        deterministic: whether deterministic operations alone were asked for.

    Returns:
        The decision.
    """
    if placement.strategy.num_replicas_in_sync > 1 or placement.workers > 1:
        return Compilation(False, "the step is shared by several replicas")
    if asked != "auto":
        return Compilation(asked == "xla", "as asked")
    if noted in ("xla", "none"):
        return Compilation(noted == "xla", "as this stage was begun")
    return _automatic(placement, model, images, deterministic)


def _automatic(
    placement: Placement, model: GazeModel, images: int, deterministic: bool
) -> Compilation:
    """What pays by what was measured; on a GPU, where nothing was, what Keras' `fit` does."""
    policy = keras.config.dtype_policy().name
    if isinstance(placement.strategy, tf.distribute.TPUStrategy):
        return Compilation(False, "the TPU's own strategy compiles it")
    if tf.config.get_visible_devices("GPU"):
        if deterministic:
            return Compilation(False, "only deterministic operations were asked for")
        return Compilation(True, "a GPU, as Keras' fit does; not measured by us")
    if precision.needs_xla(policy):
        return Compilation(True, "the CPU has no bfloat16 arithmetic, so XLA widens it")
    if policy != "float32":
        return Compilation(False, f"{policy} on a CPU is left to TensorFlow")
    flags = precision.cpu_flags().split()
    if "avx2" not in flags or "avx512f" in flags:
        return Compilation(False, "on a CPU it pays only with AVX2 and without AVX-512")
    work = operations(model) / 1e9
    told = f"{work:.1f} GFLOP an image"
    if work < _WORTH_GFLOP:
        return Compilation(False, f"{told}: pays from {_WORTH_GFLOP:.0f} on")
    if images < _WORTH_IMAGES:
        return Compilation(False, f"{told}, but {images} images: pays from {_WORTH_IMAGES} on")
    return Compilation(True, f"{told} and {images} images")


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
    return sum(layer_operations(layer) for layer in rgbs.leaves(network))


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
    """Shows for how long a step has been compiling, and names a remedy if it cannot be.

    Args:
        stage: its name.

    Raises:
        ValueError: if XLA cannot compile the step; other errors of the step pass.
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
