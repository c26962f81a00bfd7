"""Asks a graph spoiled images; see hostile_images.py, which starts this and hands it settings."""

import itertools
import json
import pathlib
import re
import sys
import time

import demo_export
import numpy as np
import tensorflow as tf

from benchmarks.campaigns import spoiled_images


def main(settings: dict) -> None:
    """Asks image by image, and prints a row of a table without its end."""
    export = settings["export_dir"] or demo_export.write(pathlib.Path(settings["scratch"], "1"))
    serve = tf.saved_model.load(str(export)).signatures["serving_default"]
    for image in spoiled_images.whole().values():
        serve(image_bytes=tf.constant([image]))
    before, answered, refused, wrong, slowest = peak(), 0, 0, 0, 0.0
    end = time.monotonic() + settings["seconds"]
    for image in itertools.islice(spoiled_images.spoiled(settings["seed"]), settings["inputs"]):
        started = time.process_time()
        try:
            out = serve(image_bytes=tf.constant([image]))
            finite = all(np.isfinite(v).all() for v in out.values() if v.dtype.is_floating)
            answered, wrong = answered + 1, wrong + (not finite)
        except tf.errors.InvalidArgumentError:
            refused += 1
        slowest = max(slowest, time.process_time() - started)
        if time.monotonic() > end:
            break
    count, grown = answered + refused, peak() - before
    print(f"| {count} | {answered} | {refused} | {wrong} | {grown:.0f} | {slowest:.2f} |")


def peak() -> float:
    """The most memory that this process has held, in MiB."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
