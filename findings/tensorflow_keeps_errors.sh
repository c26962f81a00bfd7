#!/usr/bin/env bash
# TensorFlow 2.21 keeps some memory of each error that it raises in Python, also where nobody holds
# the error: some hundred bytes (400 to 800 in four runs), of one operation that is called for itself
# too. Of Python's own allocations they are a tenth (tracemalloc), so that most is in the native part.
# A session that raises the same error keeps nothing, so that a server of Python should answer by one.
# Needs Linux.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - 2> /dev/null <<'PYTHON'
import gc
import re
import sys
import tracemalloc

import tensorflow as tf


def resident() -> int:
    """Memory that this process holds, in bytes."""
    with open("/proc/self/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) * 1024


def refused() -> None:
    try:
        tf.io.decode_png(b"no image")
    except tf.errors.InvalidArgumentError:
        pass


def answered() -> None:
    tf.io.decode_base64("AAAA")


graph = tf.Graph()
with graph.as_default():
    image = tf.compat.v1.placeholder(tf.string, [])
    decoded = tf.io.decode_png(image)
session = tf.compat.v1.Session(graph=graph)


def refused_by_a_session() -> None:
    try:
        session.run(decoded, {image: b"no image"})
    except tf.errors.InvalidArgumentError:
        pass


print("TensorFlow", tf.__version__)
count, kept = 8000, {}
for call in (refused, answered, refused_by_a_session):
    for _ in range(2000):
        call()
    gc.collect()
    tracemalloc.start()
    before, python = resident(), tracemalloc.get_traced_memory()[0]
    for _ in range(count):
        call()
    gc.collect()
    python = tracemalloc.get_traced_memory()[0] - python
    tracemalloc.stop()
    kept[call.__name__] = (resident() - before) / count
    print(f"{call.__name__}: {kept[call.__name__]:.0f} bytes a call, Python's {python / count:.1f}")
nothing = max(kept["answered"], kept["refused_by_a_session"]) <= 100
sys.exit(int(kept["refused"] < 200 or not nothing))
PYTHON
