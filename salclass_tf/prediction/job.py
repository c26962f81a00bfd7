"""The job: images are read, answered and drawn in batches, a few batches at the same time."""

import collections
import concurrent.futures
import dataclasses
import logging
import os
import pathlib
from collections.abc import Callable, Iterator, Sequence

from tqdm import tqdm

from salclass_tf import failures
from salclass_tf.data.geometry import VIEWS, WHOLE
from salclass_tf.prediction import inputs, outputs, painting
from salclass_tf.prediction.answering import Answer, Answering
from salclass_tf.prediction.models import Model
from salclass_tf.prediction.outputs import MAP_FORMATS, NPY, OVERLAYS, PNG
from salclass_tf.runs.files import write_bytes

_log = logging.getLogger(__name__)

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
    overlays: str = PNG,
) -> Summary:
    """Predicts images and writes overlays, maps, `predictions.csv` and `predictions.json`.

    The folder of maps can be evaluated, see `evaluation.methods.map_folders`.

    Memory does not grow with the number of images. What is no image, cannot be read or gets an
    answer that is not finite is skipped, and listed in both tables with the reason. EXIF
    orientation is ignored, as in training.

    Args:
        model: what predicts.
        images: files.
        out_dir: gets the tables, `overlays/` and `maps/`; files of the same names are replaced,
            as is an image's overlay in the other format.
        map_format: "npy", float32, as the network gives it; or "png", 16 bits, from the map's
            lowest value, or 0, to its peak. Both in the image's own size.
        batch_size: images that the network gets together.
        view: "whole" for maps of all of an image, see `model.whole_images`; "crop" for maps of
            the central crop that evaluation of crops scores, 0 outside it. Classes are told of
            the crop in both.
        root: the folder from which on the paths of images become those of maps and overlays;
            None is the deepest one that holds all images.
        overlays: "png"; "jpeg", which is less work; or "none".

    Returns:
        How many images were predicted and skipped.

    Raises:
        ValueError: if `map_format`, `view` or `overlays` is unknown, or `batch_size` below 1.
        OSError: if something cannot be written.
    """
    check_manner(map_format, batch_size, view)
    if overlays not in OVERLAYS:
        raise ValueError(f"overlays is one of {tuple(OVERLAYS)}; got {overlays!r}")
    named = _named(images, root)
    out_dir = pathlib.Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    worker = _Worker(Answering(model, view), out_dir, map_format, overlays)
    skipped = 0
    facts = {"model": model.name}
    if model.makes_maps:
        facts["maps"] = maps_text(model, view)
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


def check_manner(map_format: str, batch_size: int, view: str) -> None:
    """Checks how images are to be predicted; see `predict`."""
    if map_format not in MAP_FORMATS:
        raise ValueError(f"map_format is one of {MAP_FORMATS}; got {map_format!r}")
    if view not in VIEWS:
        raise ValueError(f"view is one of {VIEWS}; got {view!r}")
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1; got {batch_size}")


def maps_text(model: Model, view: str) -> str:
    """Says what the maps of a model show in a view."""
    return f"whole images, {model.whole.shown}" if view == WHOLE else "central crops"


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

    def __init__(self, answering: Answering, out_dir: pathlib.Path, map_format: str, overlays: str):
        """See `predict`."""
        self.answering, self.out_dir = answering, out_dir
        self.map_format, self.overlays = map_format, overlays

    def work(self, batch: list[_Named]) -> list[outputs.Prediction]:
        """Reads, answers and writes."""
        done = {}
        encoded = {}
        for path, name in batch:
            try:
                encoded[path, name] = inputs.read(path)
            except OSError as error:
                done[path] = outputs.Prediction(str(path), error.strerror or str(error))
        answers = self.answering(list(encoded.values()))
        for (path, name), answer in zip(encoded, answers, strict=True):
            if isinstance(answer, str):
                done[path] = outputs.Prediction(str(path), answer)
            else:
                done[path] = self._write(path, name, answer)
        return [done[path] for path, _ in batch]

    def _write(self, path: pathlib.Path, name: str, answer: Answer) -> outputs.Prediction:
        """Writes the files of one image."""
        files = {}
        if answer.saliency is not None:
            files["map"] = f"maps/{name}.{self.map_format}"
            self._write_file(files["map"], outputs.encode_map(answer.saliency, self.map_format))
        ending = OVERLAYS[self.overlays]
        if ending is not None:
            files["overlay"] = f"overlays/{name}.{ending}"
            best = answer.classes[:_PAINTED_CLASSES]
            painted = painting.paint(answer.image, answer.saliency, answer.crop, best)
            self._write_file(files["overlay"], outputs.encode_overlay(painted, self.overlays))
        for other in filter(None, OVERLAYS.values()):
            if other != ending:  # of an earlier job, and of other classes and another map
                (self.out_dir / f"overlays/{name}.{other}").unlink(missing_ok=True)
        height, width = answer.image.shape[:2]
        return outputs.Prediction(
            image=str(path),
            width=width,
            height=height,
            classes=answer.classes,
            crop=answer.crop,
            **answer.ends,
            **files,
        )

    def _write_file(self, name: str, content: bytes) -> None:
        """Writes a file whole; there may be thousands, so that none is waited for."""
        path = self.out_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, content, durable=False)
