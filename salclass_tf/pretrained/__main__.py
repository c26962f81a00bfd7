"""Packs a trained classifier into the file of this folder.

python -m salclass_tf.pretrained runs/pretrain/classifier_pretrain/model.keras
"""

import argparse
import hashlib
import os
import pathlib
import tempfile

import h5py
import numpy as np

from salclass_tf.runs.files import write_bytes
from salclass_tf.runs.finished_stage import load_network
from salclass_tf.training.networks import DEMO_WEIGHTS

_WORTH_PACKING = 2048  # numbers; below that the bookkeeping of compression costs more than it saves


def pack(network: str | os.PathLike, path: str | os.PathLike) -> str:
    """Writes the weights of a network in float16, compressed.

    Args:
        network: a `.keras` file.
        path: the `.weights.h5` file to write.

    Returns:
        sha256 of the file.
    """
    with tempfile.TemporaryDirectory() as folder:
        full = pathlib.Path(folder) / "full.weights.h5"
        load_network(network).save_weights(full)
        packed = pathlib.Path(folder) / "packed.weights.h5"
        with h5py.File(full) as source, h5py.File(packed, "w", libver="latest") as target:
            _copy(source, target)
        content = packed.read_bytes()
    write_bytes(pathlib.Path(path), content)
    return hashlib.sha256(content).hexdigest()


def _copy(source: h5py.Group, target: h5py.Group) -> None:
    """Copies groups, attributes and arrays, the arrays as float16."""
    target.attrs.update(source.attrs)
    for name, item in source.items():
        if isinstance(item, h5py.Group):
            _copy(item, target.create_group(name))
        else:
            options = {"compression": "gzip"} if item.size >= _WORTH_PACKING else {}
            array = target.create_dataset(name, data=item[()].astype(np.float16), **options)
            array.attrs.update(item.attrs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", help="the .keras file that classifier_pretrain kept")
    out = pathlib.Path(__file__).parent / DEMO_WEIGHTS[0]
    print(f"{out}: {pack(parser.parse_args().network, out)}")
    print("Write this sha256 into salclass_tf/training/networks.py")
