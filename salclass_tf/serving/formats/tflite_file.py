"""TensorFlow Lite, which LiteRT runs: signature `serving_default`."""

import pathlib
import re
from collections.abc import Callable

import numpy as np
import tensorflow as tf

NAME = "model.tflite"


def check_installed() -> None:
    """Checks nothing: TensorFlow has the converter and the runtime."""


def write(forward: tf.types.experimental.ConcreteFunction, path: pathlib.Path) -> None:
    """Writes a network; see `formats.write`."""
    holder = tf.Module()
    holder.forward = forward
    converter = tf.lite.TFLiteConverter.from_concrete_functions([forward], holder)
    try:
        content = converter.convert()
    except Exception as error:  # ConverterError, which TensorFlow does not export
        raise ValueError(
            f"this network has operations that TFLite lacks ({_reason(error):.200}); "
            "leave tflite out of the formats"
        ) from error
    path.write_bytes(content)


def load(path: pathlib.Path) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Loads what `write` wrote; see `formats.run`."""

    def run(images: np.ndarray) -> dict[str, np.ndarray]:
        interpreter = tf.lite.Interpreter(model_path=str(path))
        runner = interpreter.get_signature_runner()
        return runner(image=images)

    return run


def _reason(error: Exception) -> str:
    """What the converter says is missing, out of a report of many lines."""
    found = re.search(r"error: (.*)", str(error))
    return found[1] if found else str(error).splitlines()[0]
