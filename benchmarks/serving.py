"""Prints how fast an exported network answers, beside other ways to run the same network.

python -m benchmarks.serving                                       (full size, random weights)
python -m benchmarks.serving --width=0.125 --image_size=196 --precision=bfloat16

All ways get the same prepared crops and give map and class scores. "plain export" is what
`keras.Model.export` makes of the network in the wanted precision, loaded again; "ours" is the
folded and frozen graph, saved and loaded; "one thread an operation" is that where TensorFlow shares
no operation between threads, as the server does with the flag that the model card of a narrow
network names. ONNX Runtime (always float32) and OpenVINO run our graph,
where they are installed. "from JPEG" is all of our signature `serving_default`: 800 x 600 JPEGs in,
names of classes out.

Each way has a process of its own, as a server has, and they take turns, so that a machine that
slows down slows all of them, with a rest between two: threads of some runtimes spin on after an
answer, and would slow whoever comes next. Differences are to the Keras network in float32; those of
maps are a share of the map's peak. Below the table stands what the convolutions alone would take if
they ran as fast as a large matrix product does here: no way of running them as they are can be
faster than that.
"""

import concurrent.futures
import functools
import multiprocessing
import os
import pathlib
import sys
import tempfile
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags, logging

from salclass_tf.classifiers import build_classifier
from salclass_tf.data.geometry import Geometry
from salclass_tf.detectors import build_detector
from salclass_tf.devices import threads
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
_WAYS = flags.DEFINE_multi_string(
    "way", None, "one of the table's ways, by name; all. Each holds memory of its own"
)
_EXPORTS = flags.DEFINE_string(
    "exports", None, "folder to keep the exports in; those of a run with the same flags are taken"
)

_COMPLETE = "complete"
_SIDE = 2048  # of the matrices: large enough that nothing but arithmetic counts
_PRODUCTS = 8
_REST_S = 0.05  # for threads of the way before, which spin for a while after an answer

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


def other_formats() -> list[str]:
    """The formats beside the SavedModel that are measured; prints which packages are missing."""
    found = []
    for name in (formats.ONNX, formats.OPENVINO):
        try:
            formats.check_installed((formats.SAVED_MODEL, name))
        except ValueError as error:
            print(f"left out: {error}")
        else:
            found.append(name)
    return found


def is_complete(folder: pathlib.Path, names: list[str]) -> bool:
    """Whether a folder has all exports; one that was kept for long may lack newer formats."""
    files = [_COMPLETE, *map(formats.file_name, names)]
    return all((folder / file).exists() for file in files)


def write_exports(folder: pathlib.Path, names: list[str], argv: list[str]) -> None:
    """Writes every form of the network, in a process of its own: building takes much memory."""
    flags.FLAGS(argv)
    network = build_network("mixed_bfloat16" if _PRECISION.value == "bfloat16" else "float32")
    side = _IMAGE_SIZE.value
    spec = keras.InputSpec(shape=(None, side, side, 3), dtype="float32", name="image")
    network.export(str(folder / "plain"), input_signature=[spec], verbose=False)
    forward = our_forward(_PRECISION.value)
    plain = forward if _PRECISION.value == "float32" else our_forward("float32")
    geometry = Geometry.for_image_size(side)
    classes = tuple(f"class {number}" for number in range(_CLASSES.value))
    narrow = _WIDTH.value <= threads.NARROW
    served = signatures.build(forward, geometry=geometry, class_names=classes, narrow=narrow)
    crops = forward
    if narrow:
        crops = tf.function(signatures.in_parts(forward), autograph=False).get_concrete_function(
            forward.structured_input_signature[0][0]
        )
    ours = {"serving_default": served["serving_default"], "crops": crops}
    tf.saved_model.save(tf.Module(), str(folder / "ours"), signatures=ours)
    for name in names:
        formats.write(name, plain, folder)
    (folder / _COMPLETE).touch()


def our_forward(precision: str) -> tf.types.experimental.ConcreteFunction:
    """The folded and frozen graph, as an export has it."""
    return frozen.freeze(
        folding.fold(build_network(precision), build_network("float32")), _IMAGE_SIZE.value
    )


def plain_export(folder: pathlib.Path) -> Way:
    """The network as Keras exports it."""
    function = tf.saved_model.load(str(folder / "plain")).signatures["serving_default"]

    def run(images: np.ndarray) -> dict:
        out = function(image=tf.cast(images, tf.float32))
        return {"saliency": out["saliency"], "probabilities": tf.nn.softmax(out["logits"])}

    return run


def our_export(folder: pathlib.Path) -> Way:
    """Our graph, from crops."""
    answer = tf.saved_model.load(str(folder / "ours")).signatures["crops"]
    return lambda images: answer(image=tf.constant(images))


def our_export_from_jpeg(folder: pathlib.Path) -> Way:
    """The whole of our graph, from encoded images; of what it is given it takes the number."""
    answer = tf.saved_model.load(str(folder / "ours")).signatures["serving_default"]
    jpeg = tf.io.encode_jpeg(warmup.pictures(1, 600, 800)[0]).numpy()
    return lambda images: answer(image_bytes=tf.constant([jpeg] * len(images)))


def onnx_export(folder: pathlib.Path) -> Way:
    """Our graph in ONNX Runtime."""
    return formats.run(formats.ONNX, folder)


def openvino_export(folder: pathlib.Path) -> Way:
    """Our graph in OpenVINO, compiled for each batch size in the wanted precision."""
    import openvino

    core, compiled = openvino.Core(), {}
    precision = {"float32": "f32", "bfloat16": "bf16"}[_PRECISION.value]
    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}

    def run(images: np.ndarray) -> dict:
        if len(images) not in compiled:
            model = core.read_model(folder / formats.file_name(formats.OPENVINO))
            model.reshape(list(images.shape))
            compiled.clear()  # each holds memory of its own for all that lies between layers
            compiled[len(images)] = core.compile_model(model, "CPU", options)
        model = compiled[len(images)]
        out = model(images)
        return {output.get_any_name().split(":")[0]: out[output] for output in model.outputs}

    return run


class Apart:
    """A way in a process of its own.

    TensorFlow's threads there are its own choice.

    Args:
        load: returns the way.
        folder: of the exports.
        one_thread: whether TensorFlow computes an operation by one thread there.
    """

    def __init__(
        self,
        load: Callable[[pathlib.Path], Way],
        folder: pathlib.Path,
        one_thread: bool = False,
    ):
        context = multiprocessing.get_context("spawn")
        self._process = concurrent.futures.ProcessPoolExecutor(1, context)
        given = os.environ.pop(threads.VARIABLE, None)
        if one_thread:
            os.environ[threads.VARIABLE] = "1"  # for what is started from here
        try:
            self._process.submit(_load, load, folder, sys.argv).result()
        finally:
            os.environ.pop(threads.VARIABLE, None)
            if given is not None:
                os.environ[threads.VARIABLE] = given

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the answers to crops."""
        return self._process.submit(_ask, images).result()

    def seconds(self, images: np.ndarray) -> float:
        """Returns how long the process takes to answer crops."""
        return self._process.submit(_time, images).result()

    def close(self) -> None:
        """Ends the process."""
        self._process.shutdown()


_loaded: list[Way] = []  # in the process of `Apart`


def _load(load: Callable[[pathlib.Path], Way], folder: pathlib.Path, argv: list[str]) -> None:
    """Loads a way in its process."""
    flags.FLAGS(argv)
    _loaded.append(load(folder))


def _ask(images: np.ndarray) -> dict[str, np.ndarray]:
    """All answers of a way, in its process."""
    return {name: np.asarray(value) for name, value in _loaded[0](images).items()}


def _time(images: np.ndarray) -> float:
    """Seconds until all answers of a way are there, in its process."""
    started = time.perf_counter()
    _ask(images)
    return time.perf_counter() - started


def ways(names: list[str]) -> dict[str, Callable[[pathlib.Path], Apart]]:
    """What begins the ways that are asked for, by name; `names` are those of `other_formats`.

    Raises:
        app.UsageError: for a way that there is not.
    """
    known = {
        "plain export": functools.partial(Apart, plain_export),
        "ours": functools.partial(Apart, our_export),
        "ours, from JPEG": functools.partial(Apart, our_export_from_jpeg),
        "ours, one thread an operation": functools.partial(Apart, our_export, one_thread=True),
    }
    if formats.ONNX in names:
        known["ONNX Runtime"] = functools.partial(Apart, onnx_export)
    if formats.OPENVINO in names:
        known["OpenVINO"] = functools.partial(Apart, openvino_export)
    asked = _WAYS.value or list(known)
    if unknown := sorted(set(asked) - set(known)):
        raise app.UsageError(f"ways are some of {'; '.join(known)}; got {'; '.join(unknown)}")
    return {name: known[name] for name in asked}


def seconds(found: dict[str, Apart], batch_size: int, requests: int) -> dict[str, np.ndarray]:
    """Duration of each request of each way, in turns, after one that warms up; [requests]."""
    images = warmup.pictures(batch_size, _IMAGE_SIZE.value, _IMAGE_SIZE.value)
    times = {name: [] for name in found}
    for turn in range(requests + 1):
        for name, way in found.items():
            time.sleep(_REST_S)
            taken = way.seconds(images)
            if turn:
                times[name].append(taken)
    return {name: np.array(values) for name, values in times.items()}


def differences(found: dict[str, Apart]) -> dict[str, tuple[float, float]]:
    """Largest difference of probabilities and of maps, of each way that gets the crops."""
    images = warmup.pictures(4, _IMAGE_SIZE.value, _IMAGE_SIZE.value)
    expected = build_network("float32")(tf.cast(images, tf.float32), training=False)
    probabilities, saliency = tf.nn.softmax(expected["logits"]), expected["saliency"]
    result = {}
    for name, way in found.items():
        if "JPEG" not in name:
            out = way(images)
            peak = np.abs(saliency).max()
            result[name] = (
                np.abs(out["probabilities"] - probabilities).max(),
                np.abs(out["saliency"] - saliency).max() / peak,
            )
    return result


def multiplications(network: SalClassNet) -> int:
    """Multiplications in the convolutions of one image; all else is far less."""
    layers = [*network.detector.layers, *network.classifier.layers]
    return sum(
        int(np.prod(layer.kernel.shape) * np.prod(layer.output.shape[1:3]))
        for layer in layers
        if isinstance(layer, keras.layers.Conv2D)
    )


def multiplications_per_second() -> float:
    """The rate of a large matrix product in the wanted precision, the best of some."""
    one, other = (
        tf.cast(tf.random.stateless_normal([_SIDE, _SIDE], [0, seed]), _PRECISION.value)
        for seed in range(2)
    )
    times = []
    for _ in range(_PRODUCTS):
        started = time.perf_counter()
        tf.matmul(one, other).numpy()
        times.append(time.perf_counter() - started)
    return _SIDE**3 / min(times)


def main(_: list[str]) -> None:
    """Measures all ways and prints the table."""
    logging.set_verbosity(logging.WARNING)
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(_EXPORTS.value or scratch)
        names = other_formats()
        asked = ways(names)
        if not is_complete(folder, names):
            context = multiprocessing.get_context("spawn")
            with concurrent.futures.ProcessPoolExecutor(1, context) as builder:
                builder.submit(write_exports, folder, names, sys.argv).result()
        found = {name: begin(folder) for name, begin in asked.items()}
        single = seconds(found, 1, _REQUESTS.value)
        rates = {
            size: {
                name: size / np.median(times)
                for name, times in seconds(found, size, _BATCH_REQUESTS.value).items()
            }
            for size in _BATCHES.value
        }
        errors = differences(found)
        for way in found.values():
            way.close()
        least = multiplications(build_network("float32"))
        rate = multiplications_per_second()
    print(
        f"{_DETECTOR.value} + {_CLASSIFIER.value}, width {_WIDTH.value:g}, {_IMAGE_SIZE.value} px, "
        f"{_PRECISION.value}, {_REQUESTS.value} requests of one image"
    )
    titles = "".join(f" images/s at {size} |" for size in _BATCHES.value)
    first = next(iter(single))
    print(f"| way | p50 ms | p95 ms | {first} takes |{titles} probabilities off | maps off |")
    print("|---|" + "--:|" * (5 + len(_BATCHES.value)))
    base = np.median(single[first])
    for name, times in single.items():
        p50, p95 = 1e3 * np.percentile(times, (50, 95))
        cells = [f"{p50:.1f}", f"{p95:.1f}", f"{1e3 * base / p50:.2f} x"]
        cells += [f"{rates[size][name]:.1f}" for size in _BATCHES.value]
        cells += [f"{error:.1g}" for error in errors.get(name, ())] or ["", ""]
        print(f"| {name} | {' | '.join(cells)} |")
    print(
        f"\n{least / 1e9:.3g} billion multiplications an image; at the {rate / 1e9:.3g} billion a "
        f"second of a matrix product: {1e3 * least / rate:.1f} ms"
    )


if __name__ == "__main__":
    app.run(main)
