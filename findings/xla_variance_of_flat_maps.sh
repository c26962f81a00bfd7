#!/usr/bin/env bash
# TensorFlow 2.21.0 on a CPU: compiled by XLA, the batch variance of fused_batch_norm is the mean of
# squares less the square of the mean, in float32. The plain kernel is right to seven digits. Maps
# that are nearly flat around 1, as an untrained saliency head gives, get a variance that is 10 %
# too small at a deviation of 0.003, and several times too large at 0.001.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0 numpy==2.4.6
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" -W ignore - 2> "$folder/log" <<'PYTHON' || { cat "$folder/log" >&2; exit 1; }
import sys

import numpy as np
import tensorflow as tf


def variance(maps):
    statistics = tf.compat.v1.nn.fused_batch_norm(
        maps, tf.ones(1), tf.zeros(1), epsilon=1e-12, is_training=True
    )
    return statistics[2]


print("tensorflow", tf.__version__)
plain, compiled = tf.function(variance), tf.function(variance, jit_compile=True)
noise = np.random.default_rng(0).normal(size=(16, 24, 24, 1))
errors = []
for deviation in (0.1, 0.003, 0.001):
    maps = (1 + deviation * noise).astype(np.float32)
    exact = maps.astype(float).var(ddof=1)
    errors.append([float(kind(maps)[0]) / exact - 1 for kind in (plain, compiled)])
    print("maps of 1 +- {}: variance off by {:+.1e}, compiled {:+.1e}".format(deviation, *errors[-1]))
as_seen = all(abs(error) < 1e-4 for error, _ in errors) and all(abs(e) > 0.02 for _, e in errors[1:])
sys.exit(not as_seen)
PYTHON
