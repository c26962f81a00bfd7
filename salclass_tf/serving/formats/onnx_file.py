"""ONNX, opset 18."""

import itertools
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

NAME = "model.onnx"

_OPSET = 18
_COMPILED = "_XlaMustCompile"  # TensorFlow's mark of a function that XLA compiles


def check_installed() -> None:
    """Checks that the packages are installed.

    Raises:
        ValueError: saying how to install them.
    """
    try:
        import onnxruntime  # noqa: F401
        import tf2onnx  # noqa: F401
    except ImportError as error:
        raise ValueError(
            f"format onnx needs package {error.name}: pip install tf2onnx onnx onnxruntime"
        ) from None


def write(forward: tf.types.experimental.ConcreteFunction, path: pathlib.Path) -> None:
    """Writes a network; its batch size stays free. See `formats.write`."""
    import tf2onnx

    function = _without_compilation(forward)
    tf2onnx.convert.from_function(
        function,
        input_signature=function.input_signature,
        opset=_OPSET,
        custom_op_handlers={"Erfc": (_write_erfc, [])},
        output_path=str(path),
    )


def _without_compilation(forward: tf.types.experimental.ConcreteFunction) -> Any:
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


def load(path: pathlib.Path) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Loads what `write` wrote; see `formats.run`.

    Raises:
        ValueError: if the file has operations that ONNX lacks, which the converter lets through.
    """
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own, which have nothing else in common
        raise ValueError(
            f"this network has operations that ONNX lacks ({str(error).splitlines()[0]:.200}); "
            "leave onnx out of the formats"
        ) from error
    names = [output.name for output in session.get_outputs()]
    [image] = session.get_inputs()

    def run(images: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(names, session.run(names, {image.name: images}), strict=True))

    return run
