"""Exports in the two loaders that know nothing of Python: the session loader and the C++ one."""

import os
import pathlib
import shutil
import subprocess
import sys

import finished_stages
import numpy as np
import pytest
import tensorflow as tf
from encoded_images import REFUSED, VALID

from salclass_tf import serving

FOLDER = pathlib.Path(__file__).resolve().parent
PIXELS = (np.arange(2 * 50 * 60 * 3) // 3 % 251).astype(np.uint8).reshape(2, 50, 60, 3)
STAGES = ("joint", "saliency", "classifier_rgb")

SESSION = """
import pathlib, sys
import numpy as np, tensorflow as tf
work, folders = pathlib.Path(sys.argv[1]), map(pathlib.Path, sys.argv[2:])
images = [path.read_bytes() for path in sorted(work.glob("image*"))]
feeds = {"image_bytes": images, "image": np.load(work / "pixels.npy")}
for folder in folders:
    found = {}
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        meta = tf.compat.v1.saved_model.loader.load(session, ["serve"], str(folder))
        for name, signature in meta.signature_def.items():
            if not signature.inputs:
                continue  # what initialises the session
            ((alias, tensor),) = signature.inputs.items()
            fetched = {key: value.name for key, value in signature.outputs.items()}
            out = session.run(fetched, {tensor.name: feeds[alias]})
            found |= {f"{name}|{key}": value for key, value in out.items()}
    np.savez(work / f"{folder.parent.name}.npz", **found)
assert not {"salclass_tf", "tensorflow_datasets"} & set(sys.modules)
"""


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    """An exported version of a joint network, a detector, and a classifier."""
    workdir = tmp_path_factory.mktemp("run")
    made = {}
    for stage in STAGES:
        finished_stages.write_stage(workdir, stage)
        names = None if stage == "saliency" else workdir / "names.txt"
        settings = serving.Settings(top_k=3, max_pixels=1_000_000)
        made[stage] = serving.export(workdir, stage, workdir / "x" / stage, settings, None, names)
    return made


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The images of a request, in files."""
    folder = tmp_path_factory.mktemp("files")
    for number, image in enumerate(VALID.values()):
        (folder / f"image{number:02}").write_bytes(image)
    np.save(folder / "pixels.npy", PIXELS)
    return folder


@pytest.fixture(scope="module")
def by_sessions(versions, files):
    """The folder of what a session of TensorFlow 1 answers for each version, `<stage>.npz`."""
    command = [sys.executable, "-c", SESSION, str(files), *map(str, versions.values())]
    done = subprocess.run(command, capture_output=True, text=True, cwd=files)
    assert done.returncode == 0, done.stderr[-2000:]
    return files


def expected_answers(version):
    """Signature and output -> array, by TensorFlow 2's loader."""
    model = tf.saved_model.load(str(version))
    feeds = {"image_bytes": tf.constant(list(VALID.values())), "image": tf.constant(PIXELS)}
    found = {}
    for name, function in model.signatures.items():
        (alias,) = function.structured_input_signature[1]
        out = function(**{alias: feeds[alias]})
        found |= {f"{name}/{key}": value.numpy() for key, value in out.items()}
    return found


def assert_same(found, expected):
    """Fails unless an answer is that of another process: numbers and pixels to rounding.

    Processes with other work behind them may sum in another order.
    """
    if expected.dtype.kind == "f":
        limit = 1e-5 * np.abs(expected).max()
        np.testing.assert_allclose(found, expected, rtol=0, atol=limit)
    elif expected.ndim == 1 and expected[0].startswith(b"\x89PNG"):
        for one, other in zip(found, expected, strict=True):
            levels = [np.int16(tf.io.decode_png(png)) for png in (one, other)]
            np.testing.assert_allclose(*levels, rtol=0, atol=1)
    else:
        np.testing.assert_array_equal(found, expected)


SIGNATURES = {
    "joint": {"serving_default", "serving_image", "saliency_overlay"},
    "saliency": {"serving_default", "serving_image", "saliency_overlay"},
    "classifier_rgb": {"serving_default", "serving_image"},
}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.slow
def test_session_loader_answers_every_signature(versions, by_sessions, stage):
    with np.load(by_sessions / f"{stage}.npz", allow_pickle=True) as kept:
        answers = {key.replace("|", "/"): kept[key] for key in kept.files}
    expected = expected_answers(versions[stage])
    assert set(answers) == set(expected)
    assert {key.split("/")[0] for key in answers} == SIGNATURES[stage]
    for key, value in expected.items():
        assert_same(answers[key], value)


@pytest.fixture(scope="module")
def loader(tmp_path_factory):
    """The C++ program, compiled against the installed TensorFlow."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("no g++: the C++ loader cannot be built")
    root = pathlib.Path(tf.__file__).parent
    if not (root / "include" / "tensorflow" / "cc" / "saved_model" / "loader.h").exists():
        pytest.skip("this TensorFlow came without its C++ headers")
    program = tmp_path_factory.mktemp("loader") / "loader"
    command = [compiler, "-w", "-O1", "-std=c++17", str(FOLDER / "loader.cc"), f"-L{root}"]
    command += [*tf.sysconfig.get_compile_flags(), "-Wl,--no-as-needed"]
    command += ["-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2"]
    command += [f"-Wl,-rpath,{root}", "-o", str(program)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return program


def run(loader, *arguments):
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [str(loader), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


@pytest.mark.slow
def test_cpp_loader_answers_every_signature(versions, files, loader):
    expected = expected_answers(versions["joint"])
    images = sorted(files.glob("image*"))
    for signature in SIGNATURES["joint"]:
        done = run(loader, versions["joint"], signature, *images)
        assert done.returncode == 0, done.stderr[-2000:]
        outputs = [line.split(" ") for line in done.stdout.splitlines()]
        assert {f"{signature}/{line[0]}" for line in outputs} == {
            key for key in expected if key.startswith(signature + "/")
        }
        for name, shape, *values in outputs:
            value = expected[f"{signature}/{name}"]
            assert shape == "[" + ",".join(map(str, value.shape)) + "]"
            if name == "overlay_bytes":
                assert [int(size) for size in values] == [len(png) for png in value]
            elif value.dtype == object:
                assert values == [text.decode() for text in value.ravel()]
            else:
                limit = 1e-6 * np.abs(value).max()
                np.testing.assert_allclose(np.float32(values), value.ravel(), atol=limit)


@pytest.mark.slow
def test_cpp_loader_refuses_what_python_refuses(versions, loader, tmp_path):
    (tmp_path / "bad").write_bytes(REFUSED["png of 20000 x 20000"])
    done = run(loader, versions["joint"], "serving_default", tmp_path / "bad")
    assert done.returncode == 1 and "INVALID_ARGUMENT" in done.stderr
    assert "20000" in done.stderr
