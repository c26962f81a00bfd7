#!/usr/bin/env bash
# TensorFlow 2.21.0: a second MirroredStrategy on the same CPU devices numbers its collective
# operations as the first one did, and they are taken for those: an all-reduce of another shape is
# refused, one of the same shape works. So two trainings in one process need one strategy.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - 2> "$folder/log" <<'PYTHON' || { cat "$folder/log" >&2; exit 1; }
import sys

import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def sums(strategy, size):
    def one():
        return tf.distribute.get_replica_context().all_reduce("SUM", tf.ones(size))

    try:
        result = tf.function(lambda: strategy.run(one))()
        return strategy.experimental_local_results(result)[0].numpy().tolist()
    except tf.errors.InvalidArgumentError as error:
        return "Shape mismatch" if "Shape mismatch" in error.message else error.message


def strategy():
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


print("tensorflow", tf.__version__)
first = strategy()
found = [sums(first, 3), sums(first, 5), sums(strategy(), 3), sums(strategy(), 4)]
for text, result in zip(("3 numbers", "5, same strategy", "3, a second", "4, a third"), found):
    print(f"sum of {text}: {result}")
sys.exit(found != [[2.0] * 3, [2.0] * 5, [2.0] * 3, "Shape mismatch"])
PYTHON
