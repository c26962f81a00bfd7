"""Files in the layouts of pysaliency's HDF5 files, written by h5py alone."""

import json

import h5py
import numpy as np
from PIL import Image


def write_images(folder, names, seed=0, size=(6, 8)):
    """Image files; returns their pixels as a decoder gives them."""
    rng = np.random.default_rng(seed)
    pixels = {}
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (*size, 3), np.uint8)).save(path)
        pixels[name] = np.asarray(Image.open(path))
    return pixels


def write_file_stimuli(path, names, size=(6, 8), version="2.1"):
    with h5py.File(path, "w") as file:
        _tell(file, "FileStimuli", version, size=len(names))
        file.attrs["__attributes__"] = np.bytes_("[]")
        file.create_dataset("filenames", data=names, dtype=h5py.string_dtype())
        shapes = file.create_dataset("shapes", (len(names),), h5py.vlen_dtype(np.int64))
        for number in range(len(names)):
            shapes[number] = np.array([*size, 3])


def write_stimuli(path, pixels, names=None):
    """Pixels in the file, with or without the names of image files."""
    with h5py.File(path, "w") as file:
        _tell(file, "Stimuli", "1.1", size=len(pixels))
        for number, picture in enumerate(pixels):
            file.create_dataset(str(number), data=picture, compression="gzip")
        attributes = [] if names is None else ["filenames"]
        if names is not None:
            file.create_dataset("filenames", data=names, dtype=h5py.string_dtype())
        file.attrs["__attributes__"] = np.bytes_(json.dumps(attributes))


def padded(rows):
    """Rows of unlike length as an array filled up with NaN."""
    out = np.full((len(rows), max(map(len, rows))), np.nan)
    for number, row in enumerate(rows):
        out[number, : len(row)] = row
    return out


def write_trains(path, xs, ys, ns, subjects, durations=None, version="1.2"):
    with h5py.File(path, "w") as file:
        _tell(file, "FixationTrains", version)
        _scanpaths(file, xs, ys, ns, before="train_")
        file.create_dataset("train_subjects", data=subjects)
        if version >= "1.2" and durations is not None:
            group = file.create_group("scanpath_fixation_attributes")
            group.create_dataset("durations", data=padded(durations))


def write_scanpath_fixations(path, xs, ys, ns, subjects, durations, lengths="lengths"):
    """The form of pysaliency 0.3."""
    with h5py.File(path, "w") as file:
        _tell(file, "ScanpathFixations", "1.0")
        group = file.create_group("scanpaths")
        _tell(group, "Scanpaths", "1.0")
        _scanpaths(group, xs, ys, ns)
        group.create_dataset(lengths, data=[len(row) for row in xs])
        group.create_group("scanpath_attributes").create_dataset("subject", data=subjects)
        group.create_group("fixation_attributes").create_dataset(
            "durations", data=padded(durations)
        )


def write_fixations(path, x, y, n, subject=None, version="1.0"):
    with h5py.File(path, "w") as file:
        _tell(file, "Fixations", version)
        for key, column in (("x", x), ("y", y), ("n", n)):
            file.create_dataset(key, data=column)
        if subject is not None:
            file.create_dataset("subjects" if version < "1.2" else "subject", data=subject)


def write_maps(path, maps):
    with h5py.File(path, "w") as file:
        for key, values in maps.items():
            file.create_dataset(key, data=values, compression="gzip")


def _tell(group, kind, version, **more):
    for key, value in {"type": np.bytes_(kind), "version": np.bytes_(version), **more}.items():
        group.attrs[key] = value


def _scanpaths(group, xs, ys, ns, before=""):
    group.create_dataset(f"{before}xs", data=padded(xs))
    group.create_dataset(f"{before}ys", data=padded(ys))
    group.create_dataset("train_ns" if before else "n", data=ns)
