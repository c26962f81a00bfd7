"""The table of ways to serve: which kept exports it takes."""

import subprocess
import sys

import commands

# In a process of its own: benchmarks define flags of the same names.
PROBE = """
import pathlib, sys
from benchmarks import serving
from salclass_tf.serving import formats

names = [formats.ONNX, formats.OPENVINO]
folder = pathlib.Path(sys.argv[1])
for file in ("complete", "model.onnx", "model.xml"):
    print(serving.is_complete(folder, names), serving.is_complete(folder, names[:1]))
    (folder / file).touch()
print(serving.is_complete(folder, names), serving.is_complete(folder, names[:1]))
"""


def test_kept_exports_that_lack_a_format_are_written_again(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(tmp_path)],
        cwd=commands.ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = done.stdout.splitlines()
    assert lines == ["False False", "False False", "False True", "True True"]
