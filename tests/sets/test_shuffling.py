import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image
from tensorflow_datasets.core import shuffle

from tfds_builders.common import shuffling
from tfds_builders.mit300 import mit300_dataset_builder


def photographs(root, count, side):
    """One photograph under many names: a build reads and stores each of them."""
    folder = root / "BenchmarkIMAGES"
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    Image.fromarray(pixels).save(root / "noise.jpg", quality=95)
    for number in range(count):
        os.link(root / "noise.jpg", folder / f"i{number}.jpg")
    return root


def test_the_limit_holds_inside_only(monkeypatch):
    before = shuffle.MAX_MEM_BUFFER_SIZE
    assert before > shuffling.LIMIT
    with pytest.raises(KeyError), shuffling.in_little_memory():
        assert shuffle.MAX_MEM_BUFFER_SIZE == shuffling.LIMIT
        with shuffling.in_little_memory():
            pass
        assert shuffle.MAX_MEM_BUFFER_SIZE == shuffling.LIMIT
        raise KeyError
    assert before == shuffle.MAX_MEM_BUFFER_SIZE
    monkeypatch.setattr(shuffle, "MAX_MEM_BUFFER_SIZE", 1)
    with shuffling.in_little_memory():
        assert shuffle.MAX_MEM_BUFFER_SIZE == 1


def test_what_waits_in_files_is_stored_in_the_same_order(tmp_path, monkeypatch):
    """A build applies the limit; the set is the same byte for byte."""
    root = photographs(tmp_path / "original", 20, 16)
    stored, waited = [], []
    write = shuffle._Bucket.add
    monkeypatch.setattr(shuffle._Bucket, "add", lambda *a, **k: waited.append(1) or write(*a, **k))
    for limit in (shuffling.LIMIT, 2000):
        monkeypatch.setattr(shuffling, "LIMIT", limit)
        builder = mit300_dataset_builder.Builder(data_dir=tmp_path / str(limit))
        builder.download_and_prepare(
            download_config=tfds.download.DownloadConfig(manual_dir=root, num_shards=1)
        )
        (path,) = builder.data_path.glob("*.tfrecord*")
        stored.append(path.read_bytes())
    assert len(waited) == 20
    assert stored[0] == stored[1]


_BUILD = """
import re, sys
import tensorflow_datasets as tfds
import tfds_builders

config = tfds.download.DownloadConfig(manual_dir=sys.argv[1])
tfds.builder("mit300", data_dir=sys.argv[2]).download_and_prepare(download_config=config)
# Not getrusage: there, a process begins with the peak of the one that started it.
print(1024 * int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]))
"""


@pytest.mark.slow
def test_a_large_set_is_built_in_less_than_one_and_a_half_gigabytes(tmp_path):
    """The images are as many bytes as would not fit beside the imported libraries."""
    side = 1400
    root = photographs(tmp_path / "original", 1, side)
    size = (root / "noise.jpg").stat().st_size
    count = round(1.1e9 / size)
    for number in range(1, count):
        os.link(root / "noise.jpg", root / f"BenchmarkIMAGES/i{number}.jpg")
    done = subprocess.run(
        [sys.executable, "-c", _BUILD, root, tmp_path / "sets"],
        cwd=pathlib.Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout.split()[-1]) < 1.5e9
