"""OpenVINO's own form: `model.xml`, the graph, and `model.bin`, its weights."""

import pathlib
import tempfile
from collections.abc import Callable

import numpy as np
import tensorflow as tf

NAME = "model.xml"

# Without it a processor with units for bfloat16 uses them.
_FLOAT32 = {"INFERENCE_PRECISION_HINT": "f32"}


def check_installed() -> None:
    """Checks that the package is installed.

    Raises:
        ValueError: saying how to install it.
    """
    try:
        import openvino  # noqa: F401
    except ImportError as error:
        raise ValueError(
            f"format openvino needs package {error.name}: pip install openvino"
        ) from None


def write(forward: tf.types.experimental.ConcreteFunction, path: pathlib.Path) -> None:
    """Writes a network with its weights in float32; its batch size stays free.

    Tensors keep their names, under which OpenVINO Model Server answers. See `formats.write`.
    """
    import openvino

    with tempfile.TemporaryDirectory() as scratch:
        tf.saved_model.save(tf.Module(), scratch, signatures=forward)
        try:
            # Not by `openvino.convert_model`, which reports its use over the network.
            model = openvino.Core().read_model(scratch)
        except RuntimeError as error:
            raise ValueError(
                f"this network has operations that OpenVINO lacks ({_reason(error):.200}); "
                "leave openvino out of the formats"
            ) from error
        openvino.save_model(model, path, compress_to_fp16=False)


def load(path: pathlib.Path) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Loads what `write` wrote; see `formats.run`.

    Raises:
        ValueError: if OpenVINO cannot run it here, or it is damaged.
    """
    import openvino

    try:
        compiled = openvino.Core().compile_model(path, "CPU", _FLOAT32)
    except RuntimeError as error:
        raise ValueError(
            f"OpenVINO cannot run {path} ({_reason(error):.200}); leave openvino out of the "
            "formats, or export again if the file is damaged"
        ) from error
    names = [output.any_name for output in compiled.outputs]

    def run(images: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(names, compiled(images).values(), strict=True))

    return run


def _reason(error: RuntimeError) -> str:
    """What OpenVINO says is missing, out of a report of several lines."""
    lines = str(error).split("\n")
    listed = [line.lstrip("- ") for line in lines if line.startswith("--")]
    # Where it lists nothing, places in its own source come first, and the reason last.
    said = [line for line in lines if line.strip()] or ["no reason given"]
    return "; ".join(listed) or said[-1]
