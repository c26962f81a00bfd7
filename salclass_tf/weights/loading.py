"""Weight files: found or downloaded, verified, and assigned to a network layer by layer."""

import contextlib
import dataclasses
import hashlib
import logging
import os
import pathlib
import re
import shutil
import tarfile
import types
from collections.abc import Iterable, Iterator, Mapping

import keras
import numpy as np
from numpy.typing import ArrayLike

from salclass_tf.weights import caffe_file, keras1_file, keras_file

_log = logging.getLogger(__name__)

_URL = "https://storage.googleapis.com/tensorflow/keras-applications"
_VGG_CONVOLUTION = re.compile(r"block\d_conv\d")


@dataclasses.dataclass(frozen=True)
class PublicFile:
    """A weight file that somebody has published.

    Attributes:
        url: where it is.
        md5: MD5 sum of its bytes, or None where nobody has published one.
        member: the file's name in the archive at `url`, or None if `url` is the file itself.
        sha256: SHA-256 sum of its bytes, where that was published instead.
        saved_as: the file's name in the cache, where the URL does not end in one.
        archive_md5: MD5 sum of the archive that `member` is in, or None.
    """

    url: str
    md5: str | None = None
    member: str | None = None
    sha256: str | None = None
    saved_as: str | None = None
    archive_md5: str | None = None

    @property
    def name(self) -> str:
        """The file's name in the cache."""
        return self.saved_as or self.member or self.url.rpartition("/")[2]


@dataclasses.dataclass(frozen=True)
class LoadReport:
    """What a file has done to a network.

    Attributes:
        path: the file.
        loaded: layers of the network that the file filled.
        missing: layers of the network that keep their initial values.
        unused: layers of the file that the network does not have.
    """

    path: pathlib.Path
    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    unused: tuple[str, ...] = ()


def _public(network: str, part: str, md5: str) -> PublicFile:
    """A public file, by the naming scheme of `keras.applications`."""
    return PublicFile(f"{_URL}/{network}/{network}_weights_tf_dim_ordering_tf_{part}.h5", md5)


# Checksums as in the source of `keras.applications`; the authors of the three others give none.
# That of OpenSALICON's archive is the one that the library pysaliency expects.
PUBLIC_FILES = {
    "vgg16": _public("vgg16", "kernels", "64373286793e3c8b2b4e3219cbf3544b"),
    "vgg16_notop": _public("vgg16", "kernels_notop", "6d6bbae143d832006294945121d1f1fc"),
    "vgg19": _public("vgg19", "kernels", "cbe5617147190e668d6c5d5026f83318"),
    "vgg19_notop": _public("vgg19", "kernels_notop", "253f8cb515780f3b799900260a226db6"),
    "inception_v3": _public("inception_v3", "kernels", "9a0d58056eeedaa3f26cb7ebd46da564"),
    "inception_v3_notop": _public(
        "inception_v3", "kernels_notop", "bcbd6486424b2319ff4ef7d526e38f63"
    ),
    "salnet": PublicFile(
        "https://imatge.upc.edu/web/sites/default/files/resources/1720/saliency/2016-cvpr/"
        "deep_net_model.caffemodel"  # 99 MB
    ),
    "salicon": PublicFile(
        "http://www.cs.pitt.edu/~chris/files/2016/model_files.tgz",
        member="salicon_osie.caffemodel",
        archive_md5="c150041a975e52cf2ff234975a699fd6",
    ),
    # HDF5 in spite of its name.
    "ml_net": PublicFile(
        "https://drive.google.com/uc?export=download&id=0B3ZguV08iwjsOGFEWlRfZkVqaWs",
        saved_as="mlnet_salicon_weights.pkl",
    ),
}


def find(
    weights: str | os.PathLike, public: str | PublicFile | dict[str, str], width: float
) -> pathlib.Path:
    """Returns the file that a builder's `weights` argument means.

    Args:
        weights: a name in `public`, or the path of a file that exists.
        public: name -> key of `PUBLIC_FILES`; a key, or a file, is what "imagenet" stands for.
        width: of the network; public files exist for 1.0 only.

    Raises:
        ValueError: for a public file at another width, or a file with a wrong checksum.
        OSError: if the file does not exist or cannot be downloaded.
    """
    public = public if isinstance(public, dict) else {"imagenet": public}
    if weights in public:
        if width != 1.0:
            raise ValueError(f'weights="{weights}" exist for width 1.0 only; got width {width}')
        file = public[weights]
        return download(file if isinstance(file, PublicFile) else PUBLIC_FILES[file])
    path = pathlib.Path(weights)
    if not path.is_file():
        names = "".join(f', "{name}"' for name in public)
        raise FileNotFoundError(f"weights must be None{names} or a file; no file at {path}")
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
        if not path.is_file():
            _fetch(file, path, home)
    except Exception as error:  # get_file raises plain Exception when a URL fails
        raise OSError(
            f"cannot download the weights {file.name} ({error}); "
            f"fetch {file.url} elsewhere and put {file.member or 'it'} at {path}"
        ) from error
    _check_sum(path, file)
    return path


def _check_sum(path: pathlib.Path, file: PublicFile) -> None:
    """Checks that a file is the published one, as far as that can be known."""
    kind, expected = ("MD5", file.md5) if file.sha256 is None else ("SHA256", file.sha256)
    if expected is None:
        _refuse_page(path, file)
        _log.warning("%s: no checksum is published; only shapes can be checked", file.name)
        return
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, kind.lower()).hexdigest()
    if found != expected:
        raise ValueError(
            f"{path} is damaged: its {kind} sum must be {expected}; got {found}; "
            f"delete it, so that {file.url} is fetched again"
        )


def _refuse_page(path: pathlib.Path, file: PublicFile) -> None:
    """Removes a web page that a server has sent in place of the file."""
    with path.open("rb") as stream:
        start = stream.read(64).lstrip().lower()
    if start.startswith((b"<!doctype", b"<html")):
        path.unlink()
        raise OSError(
            f"{file.url} gave a web page and not {file.name}; fetch the file with a browser and "
            f"put it at {path}"
        )


def _check_archive(path: pathlib.Path, file: PublicFile) -> None:
    """Checks that an archive is the published one, where that can be known."""
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "md5").hexdigest()
    if file.archive_md5 not in (None, found):
        raise ValueError(f"the MD5 sum of {path.name} must be {file.archive_md5}; got {found}")


def _fetch(file: PublicFile, path: pathlib.Path, home: pathlib.Path) -> None:
    """Downloads a file, or takes it out of the archive that it is published in."""
    # Without its hash: get_file would delete a file that does not have it.
    name = file.url.rpartition("/")[2] if file.member else file.name
    fetched = keras.utils.get_file(name, file.url, cache_dir=str(home), cache_subdir="models")
    if file.member is None:
        return
    unpacked = path.with_name(f".{path.name}")
    try:
        _check_archive(pathlib.Path(fetched), file)
        with tarfile.open(fetched) as archive:
            inside = [name for name in archive.getnames() if name.endswith(file.member)]
            if not inside:
                raise ValueError(f"there is no {file.member} in {name}")
            with archive.extractfile(inside[0]) as source, unpacked.open("wb") as target:
                shutil.copyfileobj(source, target)
        shutil.move(unpacked, path)
    finally:
        unpacked.unlink(missing_ok=True)
        os.remove(fetched)


def layer_names(path: str | os.PathLike) -> set[str]:
    """Returns the names of the layers that a file has weights for.

    Raises:
        ValueError: if the file is no weights file.
    """
    with _open_layers(pathlib.Path(path)) as stored:
        return set(stored)


def load(
    model: keras.Model,
    path: str | os.PathLike,
    widened: str | None = None,
    heads: tuple[str, ...] = (),
    twin_prefix: str = "",
    aliases: Mapping[str, str] = types.MappingProxyType({}),
) -> LoadReport:
    """Assigns the arrays of a file to the layers that have the same names.

    Reads Keras' `.weights.h5` and `.keras`, the older `.h5` of `keras.applications`, what Keras 1
    wrote on Theano, see `keras1_file.read_layers`, and the convolutions of Caffe's `.caffemodel`,
    see `caffe_file.read_layers`; values are cast to the
    dtype of the variables. Layers that the file lacks keep their initial values; they are logged
    and reported. Nothing is assigned if any layer is refused.

    Args:
        model: the network, built.
        path: the file.
        widened: name of a convolution that may have one input channel more than in the file; the
            new last channel keeps its random initial kernel (paper, Sec. 3.2).
        heads: names of layers that are left alone when the file lacks them or their shapes
            differ, because they belong to other classes or inputs.
        twin_prefix: a layer whose name begins so starts like the layer without the prefix, where
            the file has nothing under its own name.
        aliases: name of a layer in the file -> its name in the network, where they differ.

    Returns:
        What was loaded and what was not.

    Raises:
        ValueError: if the file is no weights file, has no layer of the network, or has a layer
            of another shape.
    """
    path = pathlib.Path(path)
    layers = {layer.name: layer for layer in model.layers if layer.weights}
    values = {}
    with _open_layers(path) as found_layers:
        stored = {aliases.get(name, name): arrays for name, arrays in found_layers.items()}
        sources = {name: _source(name, stored, twin_prefix) for name in layers}
        for name, source in sources.items():
            if source is not None:
                found = stored[source]
                values[name] = _fit(layers[name], found, path, name == widened, name in heads)
        unused = tuple(name for name in stored if name not in sources.values())
        _check_depth(model, stored, path)
    loaded = tuple(name for name in layers if values.get(name) is not None)
    if not loaded:
        raise ValueError(
            f"{path} has no layer of {model.name}: it must hold layers such as {[*layers][:3]}; "
            f"got {sorted(unused)[:3]}"
        )
    for name in loaded:
        layers[name].set_weights(values[name])
    report = LoadReport(path, loaded, tuple(name for name in layers if name not in loaded), unused)
    _tell(report, model.name, heads)
    return report


def _source(name: str, stored: Iterable[str], twin_prefix: str) -> str | None:
    """The layer of a file that a layer of the network takes its values from."""
    twin = name.removeprefix(twin_prefix)
    return next((found for found in (name, twin) if found in stored), None)


def _tell(report: LoadReport, network: str, heads: tuple[str, ...]) -> None:
    """Says what was loaded and what was not; a head that was not is nothing to warn of."""
    _log.debug("%s: %d layers of %s loaded", report.path.name, len(report.loaded), network)
    if report.missing:
        say = _log.warning if set(report.missing) - set(heads) else _log.debug
        say("%s: not loaded: %s", report.path.name, ", ".join(report.missing))
    if report.unused:
        say = _log.warning if report.path.suffix == ".caffemodel" else _log.debug
        say("%s: %s has no %s", report.path.name, network, ", ".join(report.unused))


@contextlib.contextmanager
def _open_layers(path: pathlib.Path) -> Iterator[dict[str, list[list[ArrayLike]]]]:
    """Layer name -> the variables stored under it, once for each layer of that name."""
    if path.suffix == ".caffemodel":
        yield caffe_file.read_layers(path)
    elif keras1_file.is_one(path):
        yield keras1_file.read_layers(path)
    else:
        with keras_file.open_layers(path) as stored:
            yield stored


def _check_depth(model: keras.Model, stored: Iterable[str], path: pathlib.Path) -> None:
    """Checks that no convolution is missing in the middle of the network.

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


def _fit(
    layer: keras.Layer,
    candidates: list[list[ArrayLike]],
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
