"""Writes `.caffemodel` files as Caffe does: from messages with the types of its `caffe.proto`."""

import functools
import pathlib

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

_NUMBERS = "label: LABEL_REPEATED options { packed: true }"
_PROTO = f"""
name: "written_by_caffe.proto" package: "written" syntax: "proto2"
message_type {{ name: "BlobShape"
  field {{ name: "dim" number: 1 type: TYPE_INT64 {_NUMBERS} }} }}
message_type {{ name: "BlobProto"
  field {{ name: "shape" number: 7 type_name: "BlobShape" type: TYPE_MESSAGE
    label: LABEL_OPTIONAL }}
  field {{ name: "data" number: 5 type: TYPE_FLOAT {_NUMBERS} }}
  field {{ name: "diff" number: 6 type: TYPE_FLOAT {_NUMBERS} }}
  field {{ name: "double_data" number: 8 type: TYPE_DOUBLE {_NUMBERS} }}
  field {{ name: "num" number: 1 type: TYPE_INT32 label: LABEL_OPTIONAL }}
  field {{ name: "channels" number: 2 type: TYPE_INT32 label: LABEL_OPTIONAL }}
  field {{ name: "height" number: 3 type: TYPE_INT32 label: LABEL_OPTIONAL }}
  field {{ name: "width" number: 4 type: TYPE_INT32 label: LABEL_OPTIONAL }} }}
message_type {{ name: "LayerParameter"
  field {{ name: "name" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }}
  field {{ name: "type" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL }}
  field {{ name: "bottom" number: 3 type: TYPE_STRING label: LABEL_REPEATED }}
  field {{ name: "loss_weight" number: 5 type: TYPE_FLOAT label: LABEL_REPEATED }}
  field {{ name: "blobs" number: 7 type_name: "BlobProto" type: TYPE_MESSAGE
    label: LABEL_REPEATED }} }}
message_type {{ name: "V1LayerParameter"
  enum_type {{ name: "LayerType"
    value {{ name: "NONE" number: 0 }} value {{ name: "Convolution" number: 4 }}
    value {{ name: "InnerProduct" number: 14 }} value {{ name: "Deconvolution" number: 39 }} }}
  field {{ name: "bottom" number: 2 type: TYPE_STRING label: LABEL_REPEATED }}
  field {{ name: "name" number: 4 type: TYPE_STRING label: LABEL_OPTIONAL }}
  field {{ name: "type" number: 5 type_name: "LayerType" type: TYPE_ENUM label: LABEL_OPTIONAL }}
  field {{ name: "blobs" number: 6 type_name: "BlobProto" type: TYPE_MESSAGE
    label: LABEL_REPEATED }}
  field {{ name: "blobs_lr" number: 7 type: TYPE_FLOAT label: LABEL_REPEATED }} }}
message_type {{ name: "NetParameter"
  field {{ name: "name" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }}
  field {{ name: "layers" number: 2 type_name: "V1LayerParameter" type: TYPE_MESSAGE
    label: LABEL_REPEATED }}
  field {{ name: "input" number: 3 type: TYPE_STRING label: LABEL_REPEATED }}
  field {{ name: "layer" number: 100 type_name: "LayerParameter" type: TYPE_MESSAGE
    label: LABEL_REPEATED }} }}
"""


@functools.cache
def _pool():
    pool = descriptor_pool.DescriptorPool()
    file = text_format.Parse(_PROTO, descriptor_pb2.FileDescriptorProto())
    pool.AddSerializedFile(file.SerializeToString())
    return pool


def net():
    """An empty NetParameter."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName("written.NetParameter"))()


def add(message, name, kind, arrays, generation=2, doubles=False):
    """Adds a layer to a net: arrays in Caffe's layout, kernel [out, in, h, w], bias [out]."""
    layer = (message.layer if generation == 2 else message.layers).add(name=name)
    layer.type = kind if generation == 2 else {"Convolution": 4, "Deconvolution": 39}.get(kind, 14)
    for array in arrays:
        blob = layer.blobs.add()
        (blob.double_data if doubles else blob.data).extend(array.ravel().tolist())
        if generation == 2:
            blob.shape.dim.extend(array.shape)
        else:
            shape = (1,) * (4 - array.ndim) + array.shape
            blob.num, blob.channels, blob.height, blob.width = shape
    return layer


def write(path: pathlib.Path, layers: dict, generation=2) -> pathlib.Path:
    """Writes a file of {name: (type, arrays)}, with the inputs and names that real files have."""
    message = net()
    message.name = "Net"
    message.input.append("data")
    for name, (kind, arrays) in layers.items():
        layer = add(message, name, kind, arrays, generation)
        layer.bottom.append("data")
    path.write_bytes(message.SerializeToString())
    return path


def random_layers(names_and_shapes: dict, seed=0) -> dict:
    """Convolutions of given kernel shapes [out, in, h, w], with values of a trained one's size."""
    rng = np.random.default_rng(seed)
    layers = {}
    for name, shape in names_and_shapes.items():
        kernel = rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape).astype(np.float32)
        bias = rng.normal(0, 0.1, shape[0]).astype(np.float32)
        layers[name] = ("Convolution", [kernel, bias])
    return layers
