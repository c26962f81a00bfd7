"""The export: a finished stage, twinned, folded, frozen, checked, published as a version."""

import dataclasses
import logging
import os
import pathlib
import tempfile

import numpy as np
import tensorflow as tf

from salclass_tf.devices import threads
from salclass_tf.runs.files import hash_files, write_json
from salclass_tf.runs.finished_export import CARD, GRAPH
from salclass_tf.runs.finished_stage import FinishedStage
from salclass_tf.serving import (
    calibration,
    cards,
    folding,
    formats,
    frozen,
    int8,
    signatures,
    trained,
    twins,
    versions,
    warmup,
)
from salclass_tf.training import final_scores

_log = logging.getLogger(__name__)

SERVED_PRECISIONS = ("float32", "bfloat16")

#: how far rounding in float32 may take an export from its network; of maps, a share of their peak
_TOLERANCES = {"probabilities": 1e-5, "saliency": 1e-4}
_CHECKED_IMAGES = 2

# Of narrow networks, see `devices.threads`.
_ONE_THREAD = "--tensorflow_intra_op_parallelism=1"


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a network is exported.

    Attributes:
        precision: of the served arithmetic, "float32" or "bfloat16", whatever it was trained in.
        top_k: how many classes an answer names.
        max_pixels: the most that an image of a request may have, before and after resizing.
        max_batch: the most images that a request may have.
        formats: "saved_model", and others of `formats.FORMATS` beside it, in float32 always.
        calibrate: a folder of images, or the name of a data set, see `calibration.find`; with it
            "tflite" is written in 8-bit integers too. None for no such file.

    Raises:
        ValueError: for what is not in these lists, is below 1, is not installed, or lacks tflite.
    """

    precision: str = "float32"
    top_k: int = 5
    max_pixels: int = 25_000_000
    max_batch: int = signatures.MAX_BATCH
    formats: tuple[str, ...] = (formats.SAVED_MODEL,)
    calibrate: str | None = None

    def __post_init__(self) -> None:
        """Validates the values."""
        if self.precision not in SERVED_PRECISIONS:
            raise ValueError(f"precision is one of {SERVED_PRECISIONS}; got {self.precision!r}")
        for name in ("top_k", "max_pixels", "max_batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1; got {getattr(self, name)}")
        formats.check_installed(self.formats)
        if self.calibrate is not None and formats.TFLITE not in self.formats:
            raise ValueError(
                "--calibrate is for tflite in 8-bit integers; add --formats=saved_model,tflite"
            )


def export(
    workdir: str | os.PathLike,
    stage: str,
    export_dir: str | os.PathLike,
    settings: Settings,
    data_dir: str | None = None,
    class_names: str | os.PathLike | None = None,
) -> pathlib.Path:
    """Writes the network of a finished stage as the next version for TensorFlow Serving.

    Args:
        workdir: folder of the run.
        stage: name of the stage.
        export_dir: folder of the versions; its name is the name that the model is served under.
        settings: see `Settings`.
        data_dir: where prepared data sets live, for the names of the classes.
        class_names: text file with a name per line, in place of those.

    Returns:
        The folder of the version.

    Raises:
        ValueError: for anything the user can fix; the message says how.
    """
    finished = trained.open_stage(workdir, stage)
    names = trained.class_names(finished, data_dir, class_names)
    forward = frozen_twin(finished, settings.precision)
    pictures = None
    if settings.calibrate is not None:
        makes_maps = "saliency" in forward.structured_outputs
        pictures = calibration.find(
            settings.calibrate, finished.geometry, names, makes_maps, data_dir
        )
    images = warmup.pictures(_CHECKED_IMAGES, *[finished.geometry.image_size] * 2)
    expected = _reference(finished, images)
    difference = _difference(forward(tf.constant(images)), expected)
    _log.info("stage %s in %s: %s", stage, settings.precision, _told(difference))
    if settings.precision == "float32":
        _check(difference, "the exported graph")
    served = signatures.build(
        forward,
        geometry=finished.geometry,
        class_names=names,
        top_k=settings.top_k,
        max_pixels=settings.max_pixels,
        max_batch=settings.max_batch,
        narrow=_is_narrow(finished),
    )
    facts = dataclasses.asdict(settings) | {"difference_to_trained_network": difference}
    with versions.unfinished(export_dir) as folder:
        save(folder, served, names)
        others = set(settings.formats) - {formats.SAVED_MODEL}
        plain = forward  # other formats are of float32
        if settings.precision != "float32" and (others or pictures is not None):
            plain = frozen_twin(finished, "float32")
        for name in others:
            run = formats.write(name, plain, folder)
            _check(_difference(run(images), expected), formats.file_name(name))
        if pictures is not None:
            facts["int8"] = int8.write(plain, folder, pictures)
        facts["warm_up_requests"] = warmup.write(
            folder, pathlib.Path(export_dir).name, served, settings.max_batch
        )
        if not facts["warm_up_requests"]:
            _log.warning("no warm-up requests written: they need requirements-serving.txt")
        facts["signatures"] = {name: _shapes(function) for name, function in served.items()}
        facts["server_flags"] = _server_flags(finished)
        facts["graph_sha256"] = hash_files([folder / GRAPH])
        write_json(folder / CARD, cards.describe(finished, facts))
        return versions.publish(folder)


def _is_narrow(stage: FinishedStage) -> bool:
    """Whether the operations of a network are too small for several threads each."""
    return stage.settings["width"] <= threads.NARROW


def _server_flags(stage: FinishedStage) -> list[str]:
    """Flags of TensorFlow Serving that suit a network on a CPU, beside those of any."""
    if not _is_narrow(stage):
        return []
    _log.info("on a CPU start the server with %s: the network is narrow", _ONE_THREAD)
    return [_ONE_THREAD]


def frozen_twin(stage: FinishedStage, precision: str) -> tf.types.experimental.ConcreteFunction:
    """Returns the inference of a stage's network in a precision, folded and frozen.

    Args:
        stage: what to serve.
        precision: "float32" or "bfloat16".

    Returns:
        See `frozen.freeze`.
    """
    twin = twins.build_twin(stage, precision)
    return frozen.freeze(folding.fold(twin, stage.network()), stage.geometry.image_size)


def _reference(stage: FinishedStage, images: np.ndarray) -> dict[str, np.ndarray]:
    """What the trained network answers in float32, as Keras computes it."""
    network = twins.in_precision(stage, "float32")
    out = final_scores.answers(network, {"image": tf.cast(images, tf.float32)})
    if "logits" in out:
        out["probabilities"] = tf.nn.softmax(out.pop("logits"))
    return {name: value.numpy() for name, value in out.items()}


def _difference(answers: dict, expected: dict[str, np.ndarray]) -> dict[str, float]:
    """Largest difference of each answer; of a map, as a share of the map's own peak."""
    differences = {}
    for name, wanted in expected.items():
        scale = np.abs(wanted).max() if name == "saliency" else 1.0
        differences[name] = float(np.abs(np.asarray(answers[name]) - wanted).max() / scale)
    return differences


def _told(difference: dict[str, float]) -> str:
    """What the log says of it."""
    each = ", ".join(f"{name} {largest:.2g}" for name, largest in difference.items())
    return f"largest difference from the trained network: {each}"


def _check(difference: dict[str, float], what: str) -> None:
    """Checks that a float32 graph is the trained network."""
    for name, largest in difference.items():
        if not largest <= _TOLERANCES[name]:
            raise ValueError(
                f"{what} differs from the trained network by {largest:.2g} in {name}, at most "
                f"{_TOLERANCES[name]:g} is rounding; nothing was exported: config.json and "
                "model.keras of the stage may be of different runs"
            )


def save(folder: pathlib.Path, served: dict, class_names: tuple[str, ...]) -> None:
    """Writes the SavedModel, with the names of the classes as an asset."""
    module = tf.Module()
    with tempfile.TemporaryDirectory() as scratch:
        if class_names:
            file = pathlib.Path(scratch) / "class_names.txt"
            file.write_text("\n".join(class_names) + "\n", encoding="utf-8")
            module.class_names = tf.saved_model.Asset(str(file))
        tf.saved_model.save(module, str(folder), signatures=served)


def _shapes(function: tf.types.experimental.ConcreteFunction) -> dict[str, dict[str, str]]:
    """Names of a signature's tensors -> type and shape, None where the size is free."""
    inputs = {spec.name: spec for spec in function.structured_input_signature[0]}
    return {
        direction: {name: f"{t.dtype.name} {list(t.shape)}" for name, t in tensors.items()}
        for direction, tensors in (("inputs", inputs), ("outputs", function.structured_outputs))
    }
