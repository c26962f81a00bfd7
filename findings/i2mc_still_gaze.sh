#!/usr/bin/env bash
# I2MC 2.2.8: gaze that is the same number throughout has no fixation; with noise of a hundredth of
# a pixel it has one. Simulated trackers and dummy modes write such gaze.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check i2mc==2.2.8 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import importlib.metadata
import sys

import I2MC
import numpy as np
import pandas as pd

print("i2mc", importlib.metadata.version("i2mc"))
noise = np.random.default_rng(0).normal(0, 0.01, (2, 600))
options = {"xres": 1920.0, "yres": 1080.0, "missingx": -1920.0, "missingy": -1080.0, "freq": 300.0}
counts = []
for name, (dx, dy) in {"still": np.zeros((2, 600)), "noise of 0.01 pixels": noise}.items():
    gaze = pd.DataFrame({"time": np.arange(600) / 0.3, "L_X": 13.3 + dx, "L_Y": 8.0 + dy})
    np.random.seed(0)
    fixations = I2MC.I2MC(gaze, {**options, "downsamples": [2, 5]}, logging=False)[0]
    counts.append(len(fixations["dur"]))
    print(f"2 s at (13.3, 8.0), {name}: {counts[-1]} fixations, {fixations['dur'].sum():.0f} ms")
sys.exit(counts != [0, 1])
PYTHON
