"""Maps as submissions to public benchmarks: what `salclass submit` runs."""

import contextlib
import dataclasses
import io
import pathlib
import zipfile
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image
from tqdm import tqdm

from salclass_tf.data.sets import GazeSet
from salclass_tf.evaluation.hand_over import maps
from salclass_tf.runs import files
from tfds_builders.pysaliency_folder import writing

HDF5, JPEG = FORMS = ("hdf5", "jpeg")
#: benchmark -> how many maps a submission has; each is the split `test` of the set of that name
BENCHMARKS = {"mit300": 300, "cat2000": 2_000, "coco_freeview": 1_000}


def submit(
    named: maps.Named, benchmark: str, output: pathlib.Path, form: str = HDF5
) -> list[pathlib.Path]:
    """Writes a submission for each method that gives maps.

    Args:
        named: methods; its data sets and split are the benchmark's.
        benchmark: one of `BENCHMARKS`.
        output: folder of the files, `<benchmark>-<method>.hdf5` or `.zip`.
        form: "hdf5", log densities in float32 under the names of the images' files, as the
            MIT/Tuebingen benchmark takes probabilistic models; or "jpeg", a ZIP archive with a
            folder of the method's name, in it grey JPEG files of the names, folders and sizes of
            the images, as the MIT benchmark's rules ask.

    Returns:
        The files.

    Raises:
        ValueError: for anything the user can fix, a set that lacks images of the benchmark among
            it.
    """
    if benchmark not in BENCHMARKS or form not in FORMS:
        raise ValueError(
            f"benchmarks are {', '.join(BENCHMARKS)}, forms {', '.join(FORMS)}; got {benchmark!r} "
            f"and {form!r}"
        )
    found = dataclasses.replace(named, datasets=(benchmark,), split="test").opened()
    names = maps.file_names(found.map_givers())
    (opened,) = found.sets
    images = opened[0].size("test")
    if images != BENCHMARKS[benchmark]:
        raise ValueError(
            f"a submission to {benchmark} has {BENCHMARKS[benchmark]} maps; the prepared set has "
            f"{images} images in {opened[0].builder.data_path}: prepare all of it"
        )
    dataset, keys, written = found.scored(opened, None), _keys(opened[0]), []
    for method, name in names.items():
        path = output / f"{benchmark}-{name}.{'hdf5' if form == HDF5 else 'zip'}"
        if form == HDF5:
            maps.write_hdf5(method, dataset, keys, path, maps.LOG_DENSITY, np.float32)
        else:
            with _archive(path) as add:
                for image, saliency in maps.of_method(method, dataset):
                    add(f"{name}/{_as_jpeg_name(keys[image])}", as_jpeg(saliency))
        written.append(path)
    return written


def as_jpeg(saliency: np.ndarray) -> bytes:
    """Returns a map as a grey JPEG: 255 is the highest value, 0 is 0, or the lowest below it.

    So the file is, but for rounding and compression, the density that our metrics make of the map.

    Args:
        saliency: [h, w].
    """
    shifted = np.asarray(saliency, np.float64) - min(float(saliency.min()), 0.0)
    shares = shifted / shifted.max() if shifted.max() > 0 else np.ones(shifted.shape)
    encoded = io.BytesIO()
    Image.fromarray(np.rint(255 * shares).astype(np.uint8)).save(encoded, "JPEG", quality=100)
    return encoded.getvalue()


def _keys(gaze_set: GazeSet) -> dict[str, str]:
    """Name of each image of the split `test` -> path of its file in the original set."""
    skip = {"image": tfds.decode.SkipDecoding()}
    examples = tfds.as_numpy(gaze_set.builder.as_dataset(split="test", decoders=skip))
    bar = tqdm(examples, f"names of {gaze_set.title} test", leave=False, disable=None)
    pairs = ((example["image/id"].decode(), example["image"]) for example in bar)
    return {name: writing.file_of(encoded, name)[0] for name, encoded in pairs}


@contextlib.contextmanager
def _archive(path: pathlib.Path) -> Iterator[Callable[[str, bytes], None]]:
    """Writes files into a ZIP archive, which has its name once all are in it."""
    with files.whole(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        yield archive.writestr


def _as_jpeg_name(key: str) -> str:
    """The name of an image's file; one that is no JPEG becomes one."""
    path = pathlib.PurePosixPath(key)
    return key if path.suffix.lower() in (".jpg", ".jpeg") else str(path.with_suffix(".jpg"))
