"""Prints how fast an exported network answers, beside other ways to run the same network.

python -m benchmarks.serving                                       (full size, random weights)
python -m benchmarks.serving --width=0.125 --image_size=196 --precision=bfloat16

All ways get the same prepared crops and give map and class scores. "plain export" is what
`keras.Model.export` makes of the network in the wanted precision, loaded again; "ours" is the
folded and frozen graph, saved and loaded. ONNX Runtime (always float32) and OpenVINO run our graph,
where they are installed. "from JPEG" is all of our signature `serving_default`: 800 x 600 JPEGs in,
names of classes out.

The ways take turns, so that a machine that slows down slows all of them. Differences are to the
Keras network in float32; those of maps are a share of the map's peak.
"""

import pathlib
import tempfile
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags, logging

from salclass_tf import data
from salclass_tf.classifiers import build_classifier
from salclass_tf.detectors import build_detector
from salclass_tf.model import SalClassNet
from salclass_tf.serving import folding, formats, frozen, signatures, warmup

_DETECTOR = flags.DEFINE_string("detector", "vgg19", "name of the detector")
_CLASSIFIER = flags.DEFINE_string("classifier", "inception_v3", "name of the classifier")
_WIDTH = flags.DEFINE_float("width", 1.0, "scales every channel count")
_IMAGE_SIZE = flags.DEFINE_integer("image_size", 299, "side of the crops, in pixels")
_CLASSES = flags.DEFINE_integer("classes", 120, "number of classes")
_PRECISION = flags.DEFINE_enum("precision", "float32", ("float32", "bfloat16"), "of the arithmetic")
_REQUESTS = flags.DEFINE_integer("requests", 50, "requests of one image that each way answers")
_BATCHES = flags.DEFINE_multi_integer("batch_size", [8, 32], "batches to take the throughput of")
_BATCH_REQUESTS = flags.DEFINE_integer("batch_requests", 5, "requests of each of these batches")

Way = Callable[[np.ndarray], dict]


def build_network(policy: str) -> keras.Model:
    """SalClassNet under a dtype policy, its weights random and none of them zero."""
    keras.config.set_dtype_policy(policy)
    size = {"image_size": _IMAGE_SIZE.value, "width": _WIDTH.value}
    detector = build_detector(_DETECTOR.value, **size)
    classifier = build_classifier(_CLASSIFIER.value, num_classes=_CLASSES.value, **size)
    keras.config.set_dtype_policy("float32")
    network = SalClassNet(detector, classifier)
    rng = np.random.default_rng(0)
    for variable in network.variables:
        if len(variable.shape) == 1:  # a bias of zero would be optimised away
            low, high = (0.5, 1.5) if "variance" in variable.path else (0.01, 0.1)
            variable.assign(rng.uniform(low, high, variable.shape))
        else:
            scale = np.sqrt(2 / np.prod(variable.shape[:-1]))
            if "saliency_score" in variable.path:
                scale /= 100  # of pixel values, a map of about 1
            variable.assign(rng.normal(0, scale, variable.shape))
    return network


def plain_export(folder: str) -> Way:
    """The network as Keras exports it."""
    network = build_network("mixed_bfloat16" if _PRECISION.value == "bfloat16" else "float32")
    side = _IMAGE_SIZE.value
    spec = keras.InputSpec(shape=(None, side, side, 3), dtype="float32", name="image")
    network.export(folder, format="tf_saved_model", input_signature=[spec], verbose=False)
    function = tf.saved_model.load(folder).signatures["serving_default"]

    def run(images: np.ndarray) -> dict:
        out = function(image=tf.cast(images, tf.float32))
        return {"saliency": out["saliency"], "probabilities": tf.nn.softmax(out["logits"])}

    return run


def our_forward(precision: str) -> tf.types.experimental.ConcreteFunction:
    """The folded and frozen graph, as an export has it."""
    return frozen.freeze(
        folding.fold(build_network(precision), build_network("float32")), _IMAGE_SIZE.value
    )


def our_export(forward: tf.types.experimental.ConcreteFunction, folder: str) -> tuple[Way, Way]:
    """Our graph after saving and loading: from crops, and the whole of it from encoded images."""
    geometry = data.Geometry.for_image_size(_IMAGE_SIZE.value)
    names = tuple(f"class {number}" for number in range(_CLASSES.value))
    served = signatures.build(forward, geometry=geometry, class_names=names)
    tf.saved_model.save(tf.Module(), folder, signatures=served | {"crops": forward})
    loaded = tf.saved_model.load(folder).signatures
    jpeg = tf.io.encode_jpeg(warmup.pictures(1, 600, 800)[0]).numpy()

    def from_jpeg(images: np.ndarray) -> dict:
        return loaded["serving_default"](image_bytes=tf.constant([jpeg] * len(images)))

    return lambda images: loaded["crops"](image=tf.constant(images)), from_jpeg


def openvino(forward: tf.types.experimental.ConcreteFunction, folder: str) -> Way:
    """Our float32 graph in OpenVINO, compiled for each batch size in the wanted precision."""
    import openvino

    tf.saved_model.save(tf.Module(), folder, signatures={"serving_default": forward})
    core, compiled = openvino.Core(), {}
    precision = {"float32": "f32", "bfloat16": "bf16"}[_PRECISION.value]
    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}

    def run(images: np.ndarray) -> dict:
        if len(images) not in compiled:
            model = openvino.convert_model(folder)
            model.reshape(list(images.shape))
            compiled[len(images)] = core.compile_model(model, "CPU", options)
        model = compiled[len(images)]
        out = model(images)
        return {output.get_any_name().split(":")[0]: out[output] for output in model.outputs}

    return run


def ways(folder: pathlib.Path) -> dict[str, Way]:
    """All ways that are installed, by name."""
    forward = our_forward(_PRECISION.value)
    plain = forward if _PRECISION.value == "float32" else our_forward("float32")
    found = {"plain export": plain_export(str(folder / "plain"))}
    found["ours"], found["ours, from JPEG"] = our_export(forward, str(folder / "ours"))
    for name, make in (
        ("ONNX Runtime", lambda: formats.write(formats.ONNX, plain, folder)),
        ("OpenVINO", lambda: openvino(plain, str(folder / "openvino"))),
    ):
        try:
            found[name] = make()
        except ImportError as error:
            print(f"{name} is left out: no package {error.name}")
    return found


def seconds(found: dict[str, Way], batch_size: int, requests: int) -> dict[str, np.ndarray]:
    """Duration of each request of each way, in turns, after one that warms up; [requests]."""
    images = warmup.pictures(batch_size, _IMAGE_SIZE.value, _IMAGE_SIZE.value)
    times = {name: [] for name in found}
    for turn in range(requests + 1):
        for name, way in found.items():
            started = time.perf_counter()
            for value in way(images).values():
                np.asarray(value)
            if turn:
                times[name].append(time.perf_counter() - started)
    return {name: np.array(values) for name, values in times.items()}


def differences(found: dict[str, Way]) -> dict[str, tuple[float, float]]:
    """Largest difference of probabilities and of maps, of each way that gets the crops."""
    images = warmup.pictures(4, _IMAGE_SIZE.value, _IMAGE_SIZE.value)
    expected = build_network("float32")(tf.cast(images, tf.float32), training=False)
    probabilities, saliency = tf.nn.softmax(expected["logits"]), expected["saliency"]
    result = {}
    for name, way in found.items():
        if "JPEG" not in name:
            out = {key: np.asarray(value) for key, value in way(images).items()}
            peak = np.abs(saliency).max()
            result[name] = (
                np.abs(out["probabilities"] - probabilities).max(),
                np.abs(out["saliency"] - saliency).max() / peak,
            )
    return result


def main(_: list[str]) -> None:
    """Measures all ways and prints the table."""
    logging.set_verbosity(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        found = ways(pathlib.Path(folder))
        single = seconds(found, 1, _REQUESTS.value)
        rates = {
            size: {
                name: size / np.median(times)
                for name, times in seconds(found, size, _BATCH_REQUESTS.value).items()
            }
            for size in _BATCHES.value
        }
        errors = differences(found)
    print(
        f"{_DETECTOR.value} + {_CLASSIFIER.value}, width {_WIDTH.value:g}, {_IMAGE_SIZE.value} px, "
        f"{_PRECISION.value}, {_REQUESTS.value} requests of one image"
    )
    titles = "".join(f" images/s at {size} |" for size in _BATCHES.value)
    print(f"| way | p50 ms | p95 ms | plain takes |{titles} probabilities off | maps off |")
    print("|---|" + "--:|" * (5 + len(_BATCHES.value)))
    base = np.median(single["plain export"])
    for name, times in single.items():
        p50, p95 = 1e3 * np.percentile(times, (50, 95))
        cells = [f"{p50:.1f}", f"{p95:.1f}", f"{1e3 * base / p50:.2f} x"]
        cells += [f"{rates[size][name]:.1f}" for size in _BATCHES.value]
        cells += [f"{error:.1g}" for error in errors.get(name, ())] or ["", ""]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    app.run(main)
