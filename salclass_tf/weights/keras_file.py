"""Files that Keras writes: `.weights.h5`, `.keras`, and the `.h5` of its first versions."""

import contextlib
import io
import pathlib
import re
import zipfile
from collections.abc import Iterator

import h5py

_NAMED_BY_COUNTING = re.compile(r"(conv2d|batch_normalization)(?:_(\d+))?")


@contextlib.contextmanager
def open_layers(path: pathlib.Path) -> Iterator[dict[str, list[list[h5py.Dataset]]]]:
    """Opens a file, or the weights inside a `.keras` archive.

    Names that Keras counted are counted again from the first of their kind.

    Args:
        path: the file.

    Yields:
        Layer name -> the variables stored under it, once for each layer of that name; readable
        until the `with` ends.

    Raises:
        ValueError: if the file is none of Keras'.
    """
    with _open(path) as file:
        root = file.get("model_weights", file)
        stored = _older_layout(root) if "layer_names" in root.attrs else _newer_layout(file)
        yield {_recount(name, stored): variables for name, variables in stored.items()}


@contextlib.contextmanager
def _open(path: pathlib.Path) -> Iterator[h5py.File]:
    """Opens the HDF5 weights in a file, or inside a `.keras` archive."""
    try:
        source = path
        if zipfile.is_zipfile(path):
            source = io.BytesIO(zipfile.ZipFile(path).read("model.weights.h5"))
        file = h5py.File(source, "r")
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(
            "weights must be a .weights.h5, .keras or .h5 file of Keras, or a .caffemodel file; "
            f"cannot read {path}"
        ) from error
    with file:
        yield file


def _older_layout(root: h5py.Group) -> dict[str, list[list[h5py.Dataset]]]:
    """Layers of an `.h5` file: a group each, whose attribute orders the variables."""
    groups = {_text(name): root[name] for name in root.attrs["layer_names"]}
    return {
        name: [[group[variable] for variable in group.attrs["weight_names"]]]
        for name, group in groups.items()
        if len(group.attrs["weight_names"])
    }


def _newer_layout(file: h5py.File) -> dict[str, list[list[h5py.Dataset]]]:
    """Layers of a `.weights.h5` file: groups `vars` with the layer's name as an attribute."""
    stored = {}

    def visit(path: str, group: h5py.Group | h5py.Dataset) -> None:
        if path.endswith("/vars") and len(group):
            name = _text(group.attrs.get("name", path.split("/")[-2]))
            stored.setdefault(name, []).append([group[key] for key in sorted(group, key=int)])

    file.visititems(visit)
    return stored


def _text(name: str | bytes) -> str:
    """HDF5 returns attributes as bytes or text, depending on who wrote them."""
    return name.decode() if isinstance(name, bytes) else name


def _recount(name: str, names: dict) -> str:
    """Renumbers names such as conv2d_95 from conv2d on.

    Keras counts such layers over the whole process, and its first versions began with 1.
    """
    match = _NAMED_BY_COUNTING.fullmatch(name)
    if not match:
        return name
    others = [_NAMED_BY_COUNTING.fullmatch(other) for other in names]
    first = min(int(o[2] or 0) for o in others if o and o[1] == match[1])
    number = int(match[2] or 0) - first
    return f"{match[1]}_{number}" if number else match[1]
