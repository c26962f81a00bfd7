"""The job: images are read, answered and drawn in batches, a few batches at the same time."""

import collections
import concurrent.futures
import dataclasses
import io
import logging
import os
import pathlib
import re
import stat
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from salclass_tf import failures
from salclass_tf.data.geometry import CROP, VIEWS, WHOLE
from salclass_tf.prediction import outputs, painting
from salclass_tf.prediction.models import Model
from salclass_tf.runs.files import write_bytes
from salclass_tf.serving import overlays

_log = logging.getLogger(__name__)

NPY, PNG = MAP_FORMATS = ("npy", "png")

# While the network works on one batch, another is decoded or drawn. More would cost memory only.
_BATCHES_AT_ONCE = 2
_PAINTED_CLASSES = 3

_Named = tuple[pathlib.Path, str]


@dataclasses.dataclass(frozen=True)
class Summary:
    """How a job went.

    Attributes:
        predicted: number of images with a prediction.
        skipped: number of images without.
    """

    predicted: int
    skipped: int


def predict(
    model: Model,
    images: Sequence[pathlib.Path],
    out_dir: str | os.PathLike,
    map_format: str = NPY,
    batch_size: int = 8,
    view: str = WHOLE,
    root: str | os.PathLike | None = None,
) -> Summary:
    """Predicts images and writes overlays, maps, `predictions.csv` and `predictions.json`.

    The folder of maps can be evaluated, see `evaluation.methods.map_folders`.

    Memory does not grow with the number of images. What is no image or cannot be read is skipped,
    and listed in both tables with the reason. EXIF orientation is ignored, as in training.

    Args:
        model: what predicts.
        images: files.
        out_dir: gets the tables, `overlays/` and `maps/`; files of the same names are replaced.
        map_format: "npy", float32, as the network gives it; or "png", 16 bits, from the map's
            lowest value, or 0, to its peak. Both in the image's own size.
        batch_size: images that the network gets together.
        view: "whole" for maps of all of an image, see `model.whole_images`; "crop" for maps of
            the central crop that evaluation of crops scores, 0 outside it. Classes are told of
            the crop in both.
        root: the folder from which on the paths of images become those of maps and overlays;
            None is the deepest one that holds all images.

    Returns:
        How many images were predicted and skipped.

    Raises:
        ValueError: if `map_format` or `view` is unknown, or `batch_size` is below 1.
        OSError: if something cannot be written.
    """
    if map_format not in MAP_FORMATS:
        raise ValueError(f"map_format is one of {MAP_FORMATS}; got {map_format!r}")
    if view not in VIEWS:
        raise ValueError(f"view is one of {VIEWS}; got {view!r}")
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1; got {batch_size}")
    named = _named(images, root)
    out_dir = pathlib.Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    worker = _Worker(model, out_dir, map_format, view)
    skipped = 0
    facts = {"model": model.name}
    if model.makes_maps:
        facts["maps"] = f"whole images, {model.whole.shown}" if view == WHOLE else "central crops"
    with (
        failures.full_disk_named(f"predictions in {out_dir}"),
        outputs.Tables(out_dir, facts, model.top_k) as tables,
        tqdm(total=len(images), unit="image", leave=False, disable=None) as bar,
    ):
        for prediction in _in_order(worker.work, _batches(named, batch_size)):
            tables.add(prediction)
            bar.update()
            if prediction.error:
                skipped += 1
                _log.warning("skipped %s: %s", prediction.image, prediction.error)
    return Summary(len(images) - skipped, skipped)


def _named(images: Sequence[pathlib.Path], root: str | os.PathLike | None) -> list[_Named]:
    """Images with the names of their files."""
    if not images:
        return []
    parents = [os.path.dirname(os.path.abspath(path)) for path in images]
    names = outputs.names(images, pathlib.Path(root or os.path.commonpath(parents)))
    return list(zip(images, names, strict=True))


def _batches(named: list[_Named], batch_size: int) -> Iterator[list[_Named]]:
    """Some of them at a time."""
    for start in range(0, len(named), batch_size):
        yield named[start : start + batch_size]


def _in_order(
    work: Callable[[list[_Named]], list[outputs.Prediction]], batches: Iterator[list[_Named]]
) -> Iterator[outputs.Prediction]:
    """Works on a few batches at a time and gives their predictions in the order of the images."""
    pending = collections.deque()
    with concurrent.futures.ThreadPoolExecutor(_BATCHES_AT_ONCE) as pool:
        try:
            for batch in batches:
                pending.append(pool.submit(work, batch))
                if len(pending) > _BATCHES_AT_ONCE:
                    yield from pending.popleft().result()
            while pending:
                yield from pending.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


class _Worker:
    """Does one batch from reading to writing; several threads may use it."""

    def __init__(self, model: Model, out_dir: pathlib.Path, map_format: str, view: str):
        """See `predict`."""
        self.model, self.out_dir = model, out_dir
        self.map_format, self.view = map_format, view
        side = model.geometry.image_size
        self.place = tf.function(
            lambda saliency, size: overlays.place(saliency, size, model.geometry), autograph=False
        ).get_concrete_function(
            tf.TensorSpec([side, side, 1], tf.float32), tf.TensorSpec([2], tf.int32)
        )

    def work(self, batch: list[_Named]) -> list[outputs.Prediction]:
        """Reads, answers and writes."""
        done = {}
        encoded = {}
        for path, _ in batch:
            try:
                encoded[path] = _read(path)
            except OSError as error:
                done[path] = outputs.Prediction(str(path), error.strerror or str(error))
        answers = dict(zip(encoded, self._answers(list(encoded.values())), strict=True))
        for path, name in batch:
            answer = answers.get(path)
            if isinstance(answer, str):
                done[path] = outputs.Prediction(str(path), answer)
            elif answer is not None:
                done[path] = self._write(path, name, encoded.pop(path), answer)
        return [done[path] for path, _ in batch]

    def _answers(self, images: list[bytes]) -> list[dict[str, np.ndarray] | str]:
        """The answer to each image, or the reason why there is none."""
        if not images:
            return []
        try:
            if self.view == WHOLE and not self.model.top_k:  # nobody reads the map of the crop
                self.model.check(images)
                return [{} for _ in images]
            out = {name: value.numpy() for name, value in self.model(images).items()}
        except tf.errors.InvalidArgumentError as error:
            if len(images) == 1:
                return [_reason(error)]
            # One of them spoiled it for all.
            return [answer for image in images for answer in self._answers([image])]
        return [{name: value[i] for name, value in out.items()} for i in range(len(images))]

    def _write(
        self, path: pathlib.Path, name: str, encoded: bytes, answer: dict[str, np.ndarray]
    ) -> outputs.Prediction:
        """Writes the files of one image."""
        image = tf.io.decode_image(encoded, channels=3, expand_animations=False).numpy()
        height, width = image.shape[:2]
        classes = tuple(
            (text.decode(), float(value))
            for text, value in zip(
                answer.get("top_classes", ()), answer.get("top_probabilities", ()), strict=True
            )
        )
        crop = None
        if classes or self.view == CROP:
            crop = self.model.geometry.central_box(height, width)
        files, saliency, ends = {"overlay": f"overlays/{name}.png"}, None, {}
        if self.model.makes_maps:
            saliency = self._map(image, answer)
            ends = {"map_low": float(saliency.min()), "map_peak": float(saliency.max())}
            files["map"] = f"maps/{name}.{self.map_format}"
            self._write_file(files["map"], self._encode_map(saliency))
        painted = painting.paint(image, saliency, crop, classes[:_PAINTED_CLASSES])
        self._write_file(files["overlay"], _png(painted))
        return outputs.Prediction(
            image=str(path),
            width=width,
            height=height,
            classes=classes,
            crop=crop,
            **ends,
            **files,
        )

    def _map(self, image: np.ndarray, answer: dict[str, np.ndarray]) -> np.ndarray:
        """The map in the size of its image, float32 [h, w]."""
        if self.view == WHOLE:
            return self.model.whole(tf.constant(image)).numpy()[..., 0]
        size = tf.constant(image.shape[:2])
        return self.place(tf.constant(answer["saliency"]), size).numpy()[..., 0]

    def _write_file(self, name: str, content: bytes) -> None:
        """Writes a file whole; there may be thousands, so that none is waited for."""
        path = self.out_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, content, durable=False)

    def _encode_map(self, saliency: np.ndarray) -> bytes:
        """A map as the content of a file."""
        if self.map_format == PNG:
            return _png(outputs.as_16_bits(saliency)[..., np.newaxis])
        buffer = io.BytesIO()
        np.save(buffer, saliency)
        return buffer.getvalue()


def _read(path: pathlib.Path) -> bytes:
    """The content of a file; a named pipe, which nobody may ever write to, is not waited for."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("no regular file")
    return path.read_bytes()


def _png(pixels: np.ndarray) -> bytes:
    """A PNG of uint8 or uint16 [h, w, channels]."""
    # The default level takes five times as long for files of 800 x 600 that are 6 % smaller, and
    # was two thirds of the whole job.
    return tf.io.encode_png(pixels, compression=1).numpy()


def _reason(error: tf.errors.InvalidArgumentError) -> str:
    """What TensorFlow says of an image, without where in the graph it says it."""
    # Before it, Python tells where the operation was defined; after it comes the node.
    said = error.message.split("\n\t [[")[0].splitlines()[-1]
    said = re.sub(r"\{\{.*?\}\}|\(\d+\) INVALID_ARGUMENT:", "", said).strip()
    assertion = "assertion failed: "  # its parts are in brackets
    return re.sub(r"[][]", "", said.removeprefix(assertion)) if assertion in said else said
