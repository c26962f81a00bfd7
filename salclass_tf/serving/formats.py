"""ONNX and TFLite beside the SavedModel: the network alone, from the crop on."""

import pathlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf

Forward = tf.types.experimental.ConcreteFunction
Run = Callable[[np.ndarray], dict[str, np.ndarray]]

SAVED_MODEL, ONNX, TFLITE = FORMATS = ("saved_model", "onnx", "tflite")

_OPSET = 18


def write(name: str, forward: Forward, folder: pathlib.Path) -> Run:
    """Converts a network to another format, which has no decoders of images.

    Args:
        name: "onnx" or "tflite".
        forward: `image` uint8 [b, s, s, 3] -> `probabilities`, `saliency` or both.
        folder: where `model.onnx` or `model.tflite` is written.

    Returns:
        A function that runs the written file on uint8 [b, s, s, 3] in that format's own runtime.

    Raises:
        ValueError: if the converter or the runtime is not installed.
    """
    return {ONNX: _write_onnx, TFLITE: _write_tflite}[name](forward, folder / f"model.{name}")


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
    if ONNX in names:
        try:
            import onnxruntime  # noqa: F401
            import tf2onnx  # noqa: F401
        except ImportError as error:
            raise ValueError(
                f"format onnx needs package {error.name}: pip install tf2onnx onnx onnxruntime"
            ) from None


def _write_onnx(forward: Forward, path: pathlib.Path) -> Run:
    """Writes ONNX; its batch size stays free."""
    import tf2onnx

    (image,), _ = forward.structured_input_signature

    @tf.function(input_signature=[image], autograph=False)
    def function(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return forward(image)

    tf2onnx.convert.from_function(
        function, input_signature=[image], opset=_OPSET, output_path=str(path)
    )
    return run_onnx(path)


def run_onnx(path: pathlib.Path) -> Run:
    """Loads a file that `write` made; the function gives its outputs by name."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    [image] = session.get_inputs()

    def run(images: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(names, session.run(names, {image.name: images}), strict=True))

    return run


def _write_tflite(forward: Forward, path: pathlib.Path) -> Run:
    """Writes TFLite, signature `serving_default`; resize the batch before use."""
    holder = tf.Module()
    holder.forward = forward
    converter = tf.lite.TFLiteConverter.from_concrete_functions([forward], holder)
    path.write_bytes(converter.convert())

    def run(images: np.ndarray) -> dict[str, np.ndarray]:
        interpreter = tf.lite.Interpreter(model_path=str(path))
        runner = interpreter.get_signature_runner()
        return runner(image=images)

    return run
