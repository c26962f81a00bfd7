#!/usr/bin/env bash
# pysaliency 0.2.22 computes in the type of the maps that it is given: SIM and KL of float32 maps,
# which models write, differ from those of the same numbers in float64 in the seventh digit.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pysaliency==0.2.22 numpy==1.26.4 \
  scipy==1.17.1 'setuptools<80'
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import importlib.metadata
import sys
import types

import numpy as np

sys.modules["torch"] = types.ModuleType("torch")  # imported, and not used here
from pysaliency import metrics

del sys.modules["torch"]
print("pysaliency", importlib.metadata.version("pysaliency"))
rng = np.random.default_rng(0)
model, truth = (rng.random((600, 800)).astype(np.float32) ** 2 for _ in range(2))
apart = []
for name in ("SIM", "MIT_KLDiv"):
    score = getattr(metrics, name)
    as_given, exact = score(model, truth), score(model.astype(float), truth.astype(float))
    apart.append(abs(as_given - exact))
    print(f"{name}: float32 {as_given:.10f}, float64 {exact:.10f}, apart by {apart[-1]:.1e}")
sys.exit(int(max(apart) < 1e-9))
PYTHON
