"""`.h5` files that Keras 1 wrote on Theano: kernels in Theano's order, layers counted from 1."""

import pathlib

import h5py
import numpy as np

_CONVOLUTION = "convolution2d_"


def is_one(path: pathlib.Path) -> bool:
    """Whether a file is HDF5 with layers that Keras 1 named; later versions wrote `conv2d_1`."""
    if not h5py.is_hdf5(path):
        return False
    with h5py.File(path) as file:
        names = _layer_names(_root(file))
    return any(name.startswith(_CONVOLUTION) for name in names)


def read_layers(path: pathlib.Path) -> dict[str, list[list[np.ndarray]]]:
    """Reads the layers of a file, by the names that Keras 1 gave them.

    Theano stores a kernel as [out, in, h, w] and turns it by 180 degrees when it convolves;
    kernels are returned as [h, w, in, out], turned, as `Conv2D` wants them. Other arrays are
    returned as they are: what dense layers learned depends on Theano's order of the cells.

    Args:
        path: a file for which `is_one` is true.

    Returns:
        Layer name -> the variables stored under it, in a list of its own, as `keras_file` has it.

    Raises:
        ValueError: if a convolution has no kernel of four dimensions.
    """
    stored = {}
    with h5py.File(path) as file:
        root = _root(file)
        for name in _layer_names(root):
            arrays = [np.asarray(root[name][v]) for v in root[name].attrs["weight_names"]]
            if not arrays:
                continue
            if name.startswith(_CONVOLUTION):
                arrays[0] = _turned(arrays[0], path, name)
            stored[name] = [arrays]
    return stored


def _root(file: h5py.File) -> h5py.Group:
    """Where the layers are: `save` puts them into a group, `save_weights` does not."""
    return file.get("model_weights", file)


def _layer_names(root: h5py.Group) -> list[str]:
    """Names of all layers; none if Keras has not written the file, or a later version has."""
    names = root.attrs.get("layer_names", [])
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


def _turned(kernel: np.ndarray, path: pathlib.Path, name: str) -> np.ndarray:
    """A kernel of Theano's as TensorFlow's."""
    if kernel.ndim != 4:
        raise ValueError(
            f"{path}: the kernel of layer {name} must be [out, in, h, w]; got {kernel.shape}"
        )
    return kernel[:, :, ::-1, ::-1].transpose(2, 3, 1, 0)
