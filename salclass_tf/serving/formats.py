"""ONNX and TFLite beside the SavedModel: the network alone, from the crop on."""

import itertools
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

Forward = tf.types.experimental.ConcreteFunction
Run = Callable[[np.ndarray], dict[str, np.ndarray]]

SAVED_MODEL, ONNX, TFLITE = FORMATS = ("saved_model", "onnx", "tflite")

_OPSET = 18
_COMPILED = "_XlaMustCompile"  # TensorFlow's mark of a function that XLA compiles


def write(name: str, forward: Forward, folder: pathlib.Path) -> Run:
    """Converts a network to another format, which has no decoders of images.

    Args:
        name: "onnx" or "tflite".
        forward: `image` uint8 [b, s, s, 3] -> `probabilities`, `saliency` or both.
        folder: where `model.onnx` or `model.tflite` is written.

    Returns:
        A function that runs the written file on uint8 [b, s, s, 3] in that format's own runtime.

    Raises:
        ValueError: if the format cannot express the network.
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

    function = _without_compilation(forward)
    tf2onnx.convert.from_function(
        function,
        input_signature=function.input_signature,
        opset=_OPSET,
        custom_op_handlers={"Erfc": (_write_erfc, [])},
        output_path=str(path),
    )
    try:
        return run_onnx(path)
    except Exception as error:  # ONNX Runtime's own, which have nothing else in common
        raise ValueError(
            f"this network has operations that ONNX lacks ({str(error).splitlines()[0]:.200}); "
            "leave onnx out of the formats"
        ) from error


def _without_compilation(forward: Forward) -> Any:
    """The same function, whose parts are not left to XLA: those would not be converted.

    Keras has XLA compile convolutions in groups.
    """
    graph = forward.graph.as_graph_def()
    inner = graph.library.function
    for part in itertools.chain(graph.node, inner, *(one.node_def for one in inner)):
        part.attr.pop(_COMPILED, None)
    [image] = forward.inputs
    names = sorted(forward.structured_outputs)
    places = [forward.structured_outputs[name].name for name in names]
    [[spec], _] = forward.structured_input_signature

    @tf.function(input_signature=[spec], autograph=False)
    def function(given: tf.Tensor) -> dict[str, tf.Tensor]:
        found = tf.graph_util.import_graph_def(graph, {image.name: given}, places, name="")
        return dict(zip(names, found, strict=True))

    return function


def _write_erfc(context: Any, node: Any, _name: str, _arguments: list) -> Any:
    """Writes `erfc(x)` of GELU, which tf2onnx does not know, as `1 - erf(x)`."""
    erf = context.make_node("Erf", node.input)
    one = context.make_const(f"{node.name}_one", np.float32(1))
    shapes, dtypes = node.output_shapes, node.output_dtypes
    outputs = list(node.output)
    context.remove_node(node.name)
    return context.make_node(
        "Sub", [one.output[0], erf.output[0]], outputs=outputs, shapes=shapes, dtypes=dtypes
    )


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
