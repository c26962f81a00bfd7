"""`.caffemodel` files: the trained layers of a Caffe network, read without Caffe.

Such a file is one protocol buffer, a `NetParameter` of Caffe's `caffe.proto`. The few fields of it
that hold trained layers are described here; the parser skips all others.
"""

import functools
import logging
import math
import pathlib
import re
from collections.abc import Iterable

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

_log = logging.getLogger(__name__)

_Field = descriptor_pb2.FieldDescriptorProto

# Message -> field -> (number, type, whether it repeats). Numbers that are packed are read as bytes:
# on the wire both are the same, and millions of them become an array without a Python object each.
_MESSAGES = {
    "BlobShape": {"dim": (1, _Field.TYPE_INT64, True)},
    "BlobProto": {
        "shape": (7, "BlobShape", False),
        "data": (5, _Field.TYPE_BYTES, True),
        "double_data": (8, _Field.TYPE_BYTES, True),
        # How files wrote the shape before `shape` was there.
        "num": (1, _Field.TYPE_INT32, False),
        "channels": (2, _Field.TYPE_INT32, False),
        "height": (3, _Field.TYPE_INT32, False),
        "width": (4, _Field.TYPE_INT32, False),
    },
    "LayerParameter": {
        "name": (1, _Field.TYPE_STRING, False),
        "type": (2, _Field.TYPE_STRING, False),
        "blobs": (7, "BlobProto", True),
    },
    "V1LayerParameter": {
        "name": (4, _Field.TYPE_STRING, False),
        "type": (5, _Field.TYPE_INT32, False),  # an enumeration, which is an integer on the wire
        "blobs": (6, "BlobProto", True),
    },
    "NetParameter": {
        "layers": (2, "V1LayerParameter", True),
        "layer": (100, "LayerParameter", True),
    },
}
# Both generations' names of the layers whose kernels Keras can take.
_CONVOLUTIONS = ("Convolution", "Deconvolution", 4, 39)

_VGG_NAME = re.compile(r"(sec_)?conv(\d)_(\d)")


def read_layers(path: pathlib.Path) -> dict[str, list[list[np.ndarray]]]:
    """Reads the convolutions and deconvolutions of a file.

    Names are translated, see `keras_name`; kernels become [h, w, in, out], those of deconvolutions
    [h, w, out, in], as `Conv2D` and `Conv2DTranspose` want them. Channels keep their order: the
    first kernel of a file expects BGR, which `layers.CaffePreprocessing` gives. Other layers are
    left out, which is logged: what dense layers learned depends on Caffe's order of the cells.

    Args:
        path: a file with the layers of Caffe's second (`layer`) or first (`layers`) generation.

    Returns:
        Layer name -> [kernel, bias] or [kernel], float32, once for each layer of that name.

    Raises:
        ValueError: if the file is none of Caffe's, has no convolution, or an array of its does not
            have the shape that it states.
    """
    net = _message_class("NetParameter")()
    try:
        net.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise ValueError(f"{path} must be a .caffemodel file of Caffe; it is damaged") from error
    layers, left_out = {}, []
    for layer in (layer for layer in [*net.layer, *net.layers] if layer.blobs):
        if layer.type in _CONVOLUTIONS:
            arrays = _for_keras(layer.blobs, f"layer {layer.name} of {path}")
            layers.setdefault(keras_name(layer.name), []).append(arrays)
        else:
            left_out.append(layer.name)
    if not layers:
        raise ValueError(
            f"{path} must hold convolutions of a Caffe network; got {len(net.layer)} layers of the "
            f"second and {len(net.layers)} of the first generation, none a convolution; files that "
            "are older still need Caffe's upgrade_net_proto_binary"
        )
    if left_out:
        _log.warning("%s: left out, no convolutions: %s", path.name, ", ".join(left_out))
    return layers


def keras_name(name: str) -> str:
    """Returns the name that a layer of Caffe's has here.

    VGG's `conv1_1` is `block1_conv1`, as in `keras.applications`. OpenSALICON calls its second
    trunk `sec_`, here `coarse_`, and its last convolution `saliency_map`, here `saliency_score`.
    Other names stay.
    """
    match = _VGG_NAME.fullmatch(name)
    if match:
        return f"{'coarse_' if match[1] else ''}block{match[2]}_conv{match[3]}"
    return "saliency_score" if name == "saliency_map" else name


def _for_keras(blobs: Iterable[Message], where: str) -> list[np.ndarray]:
    """Kernels with their channels last; biases as vectors, which older files hold in four axes."""
    kernel, *biases = (_array(blob, where) for blob in blobs)
    if kernel.ndim != 4:
        raise ValueError(f"{where} must have a kernel of four axes; got {kernel.shape}")
    return [kernel.transpose(2, 3, 1, 0), *(bias.reshape(-1) for bias in biases)]


def _array(blob: Message, where: str) -> np.ndarray:
    """The float32 array of a blob, in the shape that it states."""
    if blob.HasField("shape"):
        shape = tuple(blob.shape.dim)
    else:
        shape = (blob.num, blob.channels, blob.height, blob.width)
    packed, dtype = (blob.double_data, "<f8") if blob.double_data else (blob.data, "<f4")
    content, size = b"".join(packed), np.dtype(dtype).itemsize
    if len(content) != math.prod(shape) * size:
        raise ValueError(
            f"{where} is damaged: it must hold {math.prod(shape)} values of shape {shape}; "
            f"got {len(content) / size:g}"
        )
    return np.frombuffer(content, dtype).reshape(shape).astype(np.float32)


@functools.cache
def _message_class(name: str) -> type[Message]:
    """The class of one of `_MESSAGES`, in a pool of its own: Caffe's may be loaded as well."""
    file = descriptor_pb2.FileDescriptorProto(name="salclass_tf/caffe.proto", package="caffe")
    for message, fields in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for field, (number, kind, repeats) in fields.items():
            added = described.field.add(name=field, number=number)
            added.label = _Field.LABEL_REPEATED if repeats else _Field.LABEL_OPTIONAL
            if isinstance(kind, str):
                added.type, added.type_name = _Field.TYPE_MESSAGE, f".caffe.{kind}"
            else:
                added.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"caffe.{name}"))
