"""Weight files: found or downloaded, verified, and assigned to a network layer by layer."""

import contextlib
import dataclasses
import hashlib
import io
import os
import pathlib
import re
import zipfile
from collections.abc import Iterable, Iterator

import h5py
import keras
import numpy as np
from absl import logging

_URL = "https://storage.googleapis.com/tensorflow/keras-applications"
_VGG_CONVOLUTION = re.compile(r"block\d_conv\d")
_NAMED_BY_COUNTING = re.compile(r"(conv2d|batch_normalization)(?:_(\d+))?")


@dataclasses.dataclass(frozen=True)
class PublicFile:
    """A weight file of `keras.applications`: where it is and the MD5 sum of its bytes."""

    url: str
    md5: str

    @property
    def name(self) -> str:
        """The file's name, in the cache and at the end of its URL."""
        return self.url.rpartition("/")[2]


@dataclasses.dataclass(frozen=True)
class LoadReport:
    """Which layers of a network a file filled, and which keep their initial values."""

    path: pathlib.Path
    loaded: tuple[str, ...]
    missing: tuple[str, ...]


def _public(network: str, part: str, md5: str) -> PublicFile:
    """A public file, by the naming scheme of `keras.applications`."""
    return PublicFile(f"{_URL}/{network}/{network}_weights_tf_dim_ordering_tf_{part}.h5", md5)


# Checksums as in the source of `keras.applications`.
PUBLIC_FILES = {
    "vgg16": _public("vgg16", "kernels", "64373286793e3c8b2b4e3219cbf3544b"),
    "vgg16_notop": _public("vgg16", "kernels_notop", "6d6bbae143d832006294945121d1f1fc"),
    "vgg19": _public("vgg19", "kernels", "cbe5617147190e668d6c5d5026f83318"),
    "vgg19_notop": _public("vgg19", "kernels_notop", "253f8cb515780f3b799900260a226db6"),
    "inception_v3": _public("inception_v3", "kernels", "9a0d58056eeedaa3f26cb7ebd46da564"),
    "inception_v3_notop": _public(
        "inception_v3", "kernels_notop", "bcbd6486424b2319ff4ef7d526e38f63"
    ),
}


def find(weights: str | os.PathLike, public_name: str, width: float) -> pathlib.Path:
    """Returns the file that a builder's `weights` argument means.

    Args:
        weights: "imagenet", or the path of a file that exists.
        public_name: key of `PUBLIC_FILES` that "imagenet" stands for.
        width: of the network; public files exist for 1.0 only.

    Raises:
        ValueError: for "imagenet" at another width, or a file with a wrong checksum.
        OSError: if the file does not exist or cannot be downloaded.
    """
    if weights == "imagenet":
        if width != 1.0:
            raise ValueError(f'weights="imagenet" exist for width 1.0 only; got width {width}')
        return download(PUBLIC_FILES[public_name])
    path = pathlib.Path(weights)
    if not path.is_file():
        raise FileNotFoundError(f'weights must be None, "imagenet" or a file; no file at {path}')
    return path


def download(file: PublicFile) -> pathlib.Path:
    """Returns the path of a public file in Keras' cache; downloads it on first use.

    Raises:
        ValueError: if the checksum is wrong, of a cached file or of a fresh download.
        OSError: if the download fails; the message says where to put the file by hand.
    """
    home = pathlib.Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    path = home / "models" / file.name
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        # Without its hash: get_file would delete a cached file that does not have it.
        keras.utils.get_file(file.name, origin=file.url, cache_dir=str(home), cache_subdir="models")
    except Exception as error:  # get_file raises plain Exception when a URL fails
        raise OSError(
            f"cannot download the weights {file.name} ({error}); "
            f"fetch {file.url} elsewhere and put it at {path}"
        ) from error
    with path.open("rb") as stream:
        md5 = hashlib.file_digest(stream, "md5").hexdigest()
    if md5 != file.md5:
        raise ValueError(
            f"{path} is damaged: its MD5 sum must be {file.md5}; got {md5}; "
            f"delete it, so that {file.url} is fetched again"
        )
    return path


def load(
    model: keras.Model,
    path: str | os.PathLike,
    widened: str | None = None,
    heads: tuple[str, ...] = (),
) -> LoadReport:
    """Assigns the arrays of a file to the layers that have the same names.

    Reads Keras' `.weights.h5` and `.keras`, and the older `.h5` of `keras.applications`; values
    are cast to the dtype of the variables. Layers that the file lacks keep their initial values;
    they are logged and reported. Nothing is assigned if any layer is refused.

    Args:
        model: the network, built.
        path: the file.
        widened: name of a convolution that may have one input channel more than in the file; the
            new last channel keeps its random initial kernel (paper, Sec. 3.2).
        heads: names of layers that are left alone when their shapes differ, because they belong
            to other classes.

    Returns:
        What was loaded and what was not.

    Raises:
        ValueError: if the file is no weights file, has no layer of the network, or has a layer
            of another shape.
    """
    path = pathlib.Path(path)
    layers = {layer.name: layer for layer in model.layers if layer.weights}
    values = {}
    with _open(path) as file:
        stored = _stored_layers(file)
        for name in layers.keys() & stored.keys():
            values[name] = _fit(layers[name], stored[name], path, name == widened, name in heads)
    loaded = tuple(name for name in layers if values.get(name) is not None)
    _check_depth(model, stored.keys(), path)
    if not loaded:
        raise ValueError(
            f"{path} has no layer of {model.name}: it must hold layers such as {[*layers][:3]}; "
            f"got {sorted(stored)[:3]}"
        )
    for name in loaded:
        layers[name].set_weights(values[name])
    report = LoadReport(path, loaded, tuple(name for name in layers if name not in loaded))
    logging.info("%s: %d layers of %s loaded", path.name, len(loaded), model.name)
    if report.missing:
        logging.warning("%s: not loaded: %s", path.name, ", ".join(report.missing))
    return report


def _check_depth(model: keras.Model, stored: Iterable[str], path: pathlib.Path) -> None:
    """Refuses a file with a convolution that is missing in the middle of the network.

    All layers of VGG-16 fit a file of VGG-19, but what they learned belongs to the deeper one. The
    first layers of a file, without its last, are a network of their own.
    """
    has = sorted(layer.name for layer in model.layers if _VGG_CONVOLUTION.fullmatch(layer.name))
    left = [name for name in stored if _VGG_CONVOLUTION.fullmatch(name) and name not in has]
    gaps = sorted(name for name in left if has and name < has[-1])
    if gaps:
        raise ValueError(
            f"{path} is of a deeper network than {model.name}, which lacks {', '.join(gaps)}; "
            "name the network that the file is of"
        )


@contextlib.contextmanager
def _open(path: pathlib.Path) -> Iterator[h5py.File]:
    """Opens the HDF5 weights in a file, or inside a `.keras` archive."""
    try:
        source = path
        if zipfile.is_zipfile(path):
            source = io.BytesIO(zipfile.ZipFile(path).read("model.weights.h5"))
        file = h5py.File(source, "r")
    except (OSError, KeyError) as error:
        raise ValueError(
            f"weights must be a .weights.h5, .keras or .h5 file of Keras; cannot read {path}"
        ) from error
    with file:
        yield file


def _stored_layers(file: h5py.File) -> dict[str, list[list[h5py.Dataset]]]:
    """Layer name -> the variables stored under it, once for each layer of that name."""
    root = file.get("model_weights", file)
    stored = _older_layout(root) if "layer_names" in root.attrs else _newer_layout(file)
    return {_recount(name, stored): variables for name, variables in stored.items()}


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


def _fit(
    layer: keras.Layer,
    candidates: list[list[h5py.Dataset]],
    path: pathlib.Path,
    widened: bool,
    is_head: bool,
) -> list[np.ndarray] | None:
    """Arrays for `layer.set_weights`; None for a head of other classes."""
    if len(candidates) > 1:
        raise ValueError(
            f"{path} must hold one network; got {len(candidates)} layers named {layer.name}; "
            "load it with keras.models.load_model and save the part that is wanted"
        )
    arrays = [np.asarray(variable) for variable in candidates[0]]
    found = [array.shape for array in arrays]
    expected = [tuple(variable.shape) for variable in layer.weights]
    if found == expected:
        return arrays
    kernel = layer.get_weights()[0]
    if widened and found == [_one_channel_less(kernel.shape), *expected[1:]]:
        kernel[:, :, :-1] = arrays[0]
        return [kernel, *arrays[1:]]
    if is_head:
        return None
    raise ValueError(
        f"{path} is of another architecture, width or input: layer {layer.name} must have the "
        f"shapes {expected}; got {found}"
    )


def _one_channel_less(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of a convolution kernel before it was widened by one input channel."""
    return (*shape[:-2], shape[-2] - 1, shape[-1])
