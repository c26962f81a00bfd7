"""Other formats beside the SavedModel: the network alone, from the crop on."""

import pathlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from salclass_tf.serving.formats import onnx_file, openvino_files, tflite_file

Forward = tf.types.experimental.ConcreteFunction
Run = Callable[[np.ndarray], dict[str, np.ndarray]]

SAVED_MODEL, ONNX, TFLITE, OPENVINO = FORMATS = ("saved_model", "onnx", "tflite", "openvino")

#: the network in 8-bit integers, beside the one in float32
INT8_FILE = tflite_file.INT8_NAME

_MODULES = {ONNX: onnx_file, TFLITE: tflite_file, OPENVINO: openvino_files}


def file_name(name: str) -> str:
    """Returns the file of a format in the folder of a version; OpenVINO has `model.bin` too."""
    return _MODULES[name].NAME


def write(name: str, forward: Forward, folder: pathlib.Path) -> Run:
    """Converts a network to another format, which has no decoders of images.

    Args:
        name: one of `FORMATS` but "saved_model".
        forward: `image` uint8 [b, s, s, 3] -> `probabilities`, `saliency` or both.
        folder: where `file_name` is written.

    Returns:
        A function that runs the written file on uint8 [b, s, s, 3] in that format's own runtime,
        in float32.

    Raises:
        ValueError: if the format cannot express the network.
    """
    _MODULES[name].write(forward, folder / file_name(name))
    return run(name, folder)


def run(name: str, folder: pathlib.Path) -> Run:
    """Loads what `write` wrote; the function gives its outputs by name."""
    return _MODULES[name].load(folder / file_name(name))


def write_int8(forward: Forward, folder: pathlib.Path, images: np.ndarray) -> Run:
    """Writes `INT8_FILE`, see `tflite_file.write_int8`, and loads it as `run` does."""
    tflite_file.write_int8(forward, folder / INT8_FILE, images)
    return tflite_file.load(folder / INT8_FILE)


def check_installed(names: tuple[str, ...]) -> None:
    """Checks that formats are known, and their packages installed.

    Raises:
        ValueError: naming the formats there are, or the package to install.
    """
    unknown = [name for name in names if name not in FORMATS]
    if unknown or SAVED_MODEL not in names:
        raise ValueError(
            f"formats are {', '.join(FORMATS)}, saved_model always among them; got {names}"
        )
    for name in set(names) & set(_MODULES):
        _MODULES[name].check_installed()
