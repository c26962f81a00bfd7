"""Files of `keras.applications` networks, for the networks that are rebuilt from these."""

import os
import pathlib

import keras

from salclass_tf import weights as weight_files
from salclass_tf.classifiers import pixels
from salclass_tf.classifiers.public_files import public_file
from salclass_tf.classifiers.rebuilding import Rebuilding
from salclass_tf.weights import keras_file

_LISTED = 3


def find(
    name: str, family: str, weights: str | os.PathLike, image_size: int, width: float
) -> pathlib.Path:
    """Returns the file that a builder's `weights` argument means.

    Args:
        name: of the network, as `build_classifier` takes it.
        family: the module of `keras.applications` that it is in.
        weights: "imagenet" or the path of a file.
        image_size: side of the images, in pixels.
        width: of the network.

    Raises:
        ValueError: for "imagenet" at another width than 1.0, a damaged file, or one whose pixels
            were normalised in another way.
        OSError: if the file does not exist or cannot be downloaded.
    """
    path = weight_files.find(weights, public_file(name, family, image_size), width)
    pixels.check_file(path)
    return path


def classes(path: pathlib.Path) -> int | None:
    """Returns how many classes the network in an `.h5` file of Keras' first layout tells apart.

    Keras fills a network from such a file by order, which takes one of as many classes. None for
    the newer layouts, which go by name.
    """
    if not _is_older(path):
        return None
    with keras_file.open_layers(path) as stored:
        *_, last = stored.values()
        return last[0][-1].shape[-1]


def load(
    model: keras.Model, rebuilding: Rebuilding, stock: keras.Model, path: pathlib.Path
) -> None:
    """Fills a rebuilt network from a file.

    By the names of layers where the file has them all; otherwise, as Keras does, by their order:
    several of the public files have names from before Keras renamed the layers.

    Args:
        model: the network.
        rebuilding: what made it.
        stock: what it was made from, of as many classes as `classes` returns; filled on the way.
        path: the file.

    Raises:
        ValueError: if the file is of another network.
    """
    known = {layer.name for layer in model.layers if layer.weights}
    needed = known - {rebuilding.head, "saliency_normalization"}
    there = {name for name in weight_files.layer_names(path) if not pixels.is_normalisation(name)}
    odd = sorted(needed - there) + sorted(there - known - {"saliency_normalization"})
    if odd and _is_older(path):
        _load_by_order(rebuilding, stock, path, model.name)
        return
    if odd:
        raise ValueError(
            f"{path} is of another network than {model.name}: it must have the same layers; only "
            f"one of the two has {', '.join(odd[:_LISTED])}"
        )
    heads = (rebuilding.head, "saliency_normalization")
    weight_files.load(model, path, widened=rebuilding.first, heads=heads)


def _load_by_order(
    rebuilding: Rebuilding, stock: keras.Model, path: pathlib.Path, name: str
) -> None:
    """Lets Keras fill its own network, and takes the weights from there."""
    try:
        stock.load_weights(path)
    except (ValueError, KeyError) as error:
        raise ValueError(
            f"{path} is of another network than {name}, or lacks its class layer ({error})"
        ) from error
    for old, new in rebuilding.pairs:
        values, shapes = old.get_weights(), [tuple(weight.shape) for weight in new.weights]
        if new.name == rebuilding.first:
            kernel = new.get_weights()[0]
            kernel[:, :, : values[0].shape[2]] = values[0]
            values[0] = kernel
        if [value.shape for value in values] == shapes:
            new.set_weights(values)
        elif new.name != rebuilding.head:
            raise ValueError(f"{path} is of another width than {name}; build that at width 1.0")


def _is_older(path: pathlib.Path) -> bool:
    """Whether Keras reads a file in the layout of its first versions: it goes by the name."""
    return path.suffix == ".h5" and not path.name.endswith(".weights.h5")
