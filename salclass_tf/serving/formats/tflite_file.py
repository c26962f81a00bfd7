"""TensorFlow Lite, which LiteRT runs: signature `serving_default`."""

import pathlib
import re
from collections.abc import Callable

import numpy as np
import tensorflow as tf

NAME, INT8_NAME = "model.tflite", "model_int8.tflite"


def check_installed() -> None:
    """Checks nothing: TensorFlow has the converter and the runtime."""


def write(forward: tf.types.experimental.ConcreteFunction, path: pathlib.Path) -> None:
    """Writes a network; see `formats.write`."""
    path.write_bytes(
        _converted(_converter(forward), "TFLite lacks", "leave tflite out of the formats")
    )


def write_int8(
    forward: tf.types.experimental.ConcreteFunction, path: pathlib.Path, images: np.ndarray
) -> None:
    """Writes a network whose weights and arithmetic are 8-bit integers.

    Images stay uint8 and answers float32, so that it is asked as the other file is.

    Args:
        forward: see `formats.write`.
        path: where it is written.
        images: what is computed in float32 to see which range each tensor has, uint8
            [n, s, s, 3]; like those that it will be asked for.

    Raises:
        ValueError: if the network has operations that have no such form.
    """
    converter = _converter(forward)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ({"image": one[np.newaxis]} for one in images)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    path.write_bytes(_converted(converter, "8-bit TFLite lacks", "leave --calibrate out"))


def _converter(forward: tf.types.experimental.ConcreteFunction) -> tf.lite.TFLiteConverter:
    """TensorFlow's converter of a network."""
    holder = tf.Module()
    holder.forward = forward
    return tf.lite.TFLiteConverter.from_concrete_functions([forward], holder)


def _converted(converter: tf.lite.TFLiteConverter, lacking: str, remedy: str) -> bytes:
    """The content of the file, or a ValueError in one line that says who lacks what."""
    try:
        return converter.convert()
    except Exception as error:  # ConverterError, which TensorFlow does not export
        raise ValueError(
            f"this network has operations that {lacking} ({_reason(error):.200}); {remedy}"
        ) from error


def load(path: pathlib.Path) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Loads what `write` or `write_int8` wrote; see `formats.run`."""
    # The runner keeps it alive, and makes room when another number of images comes.
    runner = tf.lite.Interpreter(model_path=str(path)).get_signature_runner()
    return lambda images: runner(image=images)


def _reason(error: Exception) -> str:
    """What the converter says is missing, out of a report of many lines."""
    found = re.search(r"error: (.*)", str(error))
    return found[1] if found else str(error).splitlines()[0]
