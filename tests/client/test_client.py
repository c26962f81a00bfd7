"""The client over real sockets: what it sends, gets, repeats and says when it cannot."""

import pathlib
import socket
import subprocess
import sys
import threading
import time

import finished_stages
import numpy as np
import pytest
import tensorflow as tf
from encoded_images import REFUSED, VALID, noise

pytest.importorskip("tensorflow_serving.apis.prediction_service_pb2_grpc")
pytest.importorskip("requests")

import loopback  # noqa: E402

from salclass_tf import client, serving  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
IMAGES = list(VALID.values())


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    """An exported version of a joint network."""
    workdir = tmp_path_factory.mktemp("run")
    finished_stages.write_stage(workdir, "joint")
    settings = serving.Settings(top_k=7, max_pixels=1_000_000)
    names = workdir / "names.txt"
    return serving.export(workdir, "joint", workdir / "gaze", settings, class_names=names)


@pytest.fixture(scope="module")
def exported(version):
    """The same version, without a server."""
    return tf.saved_model.load(str(version))


@pytest.fixture(scope="module")
def running(version):
    with loopback.Loopback("gaze", version) as server:
        yield server


@pytest.fixture
def server(running):
    running.busy_for, running.delay = 0, 0.0
    running.batches.clear()
    return running


@pytest.fixture(params=["grpc", "rest"])
def connect(request, server):
    """Makes clients of the server in one of its languages."""
    opened = []

    def make(model="gaze", **options):
        address = server.target if request.param == "grpc" else server.url
        options = {"back_off": 0.02, **options}
        opened.append(client.Client(address, model, **options))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def test_answers_are_those_of_the_saved_model(exported, server, connect):
    answers = connect(batch_size=4).predict(IMAGES)
    expected = exported.signatures["serving_default"](image_bytes=tf.constant(IMAGES))
    assert server.batches == [4, 4, 4, len(IMAGES) - 12]
    for name in ("probabilities", "top_probabilities"):
        found = np.stack([getattr(answer, name) for answer in answers])
        np.testing.assert_allclose(found, expected[name], rtol=1e-4, atol=1e-6)
    maps = np.stack([answer.saliency for answer in answers])
    assert maps.dtype == np.float32
    limit = 1e-4 * np.abs(maps).max()
    np.testing.assert_allclose(maps, expected["saliency"][..., 0], atol=limit)
    named = [tuple(x.decode() for x in row) for row in expected["top_classes"].numpy()]
    assert [answer.top_classes for answer in answers] == named
    assert all("café" in row for row in named)  # more than ASCII came through


def test_paths_contents_and_arrays_mean_the_same_image(connect, tmp_path):
    pixels = noise(47, 200)
    (tmp_path / "one.png").write_bytes(VALID["png"])
    pictures = [tmp_path / "one.png", str(tmp_path / "one.png"), VALID["png"], pixels]
    answers = connect(batch_size=1).predict(pictures)
    for answer in answers[1:]:  # kernels may sum in another order the second time
        np.testing.assert_allclose(answer.saliency, answers[0].saliency, atol=1e-5)


def test_overlays_have_the_size_of_the_images(exported, connect):
    overlays = connect().overlays(IMAGES)
    encoded = exported.signatures["saliency_overlay"](image_bytes=tf.constant(IMAGES))
    for overlay, png in zip(overlays, encoded["overlay_bytes"].numpy(), strict=True):
        np.testing.assert_array_equal(overlay, tf.io.decode_png(png)[..., 0])
    image = tf.io.decode_image(IMAGES[0])
    assert overlays[0].shape == image.shape[:2]


def test_only_wanted_outputs_come(connect):
    (answer,) = connect().predict(IMAGES[:1], outputs=["top_classes"])
    assert len(answer.top_classes) == 7
    assert answer.saliency is answer.probabilities is answer.top_probabilities is None
    with pytest.raises(client.RequestRefused, match="top_klasses"):
        connect().predict(IMAGES[:1], outputs=["top_klasses"])
    assert connect().predict([]) == []


def test_refused_image_is_named_and_the_server_goes_on(server, connect, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(REFUSED["text"])
    one = connect()
    with pytest.raises(ValueError, match=r"bad\.jpg' was refused.*JPEG, PNG, GIF or BMP"):
        one.predict([*IMAGES[:2], bad, IMAGES[3]])
    with pytest.raises(ValueError, match="image number 9 was refused"):
        one.predict([*IMAGES[:9], IMAGES[0][:-100]])
    for image in REFUSED.values():
        # Three of them are too large for the limit of other tests, but not for this one.
        try:
            one.overlays([image])
        except client.RequestRefused:
            continue
    assert len(one.predict(IMAGES[:1])) == 1


def test_busy_server_is_asked_again_as_often_as_allowed(server, connect):
    # Beyond 256 KiB gRPC does not repeat a request unless it is told to.
    large = tf.io.encode_png(np.random.default_rng(0).integers(0, 255, (400, 400, 3), np.uint8))
    assert len(large.numpy()) > 2**18
    server.busy_for = 4
    assert connect(retries=4).predict([large.numpy()])[0].saliency.shape == (40, 40)
    assert server.busy_for == 0
    server.busy_for = 3
    with pytest.raises(ConnectionError, match=r"127\.0\.0\.1.*queue.*full"):
        connect(retries=2).predict([large.numpy()])
    assert server.busy_for == 0
    server.busy_for = 1
    with pytest.raises(ConnectionError):
        connect(retries=0).predict([large.numpy()])
    assert len(connect(retries=0).predict([large.numpy()])) == 1


def test_pauses_grow(server, connect):
    server.busy_for = 4
    started = time.monotonic()
    connect(retries=4, back_off=0.1).predict(IMAGES[:1])
    # At the very least two of them are as long as the last one with all luck; gRPC draws from
    # 0.8 to 1.2 times 0.1, 0.2, 0.4 and 0.8 s.
    assert time.monotonic() - started > 0.8


def test_slow_server_is_given_up_in_time(server, connect):
    server.delay = 30
    started = time.monotonic()
    with pytest.raises(TimeoutError, match=r"127\.0\.0\.1.*0\.3 s"):
        connect(timeout=0.3).predict(IMAGES[:1])
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("scheme", ["", "http://"])
def test_absent_server_is_named(scheme):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"{scheme}127.0.0.1:{free.getsockname()[1]}"
    with client.Client(address, back_off=0.01, retries=2) as one:
        with pytest.raises(ConnectionError, match=address):
            one.predict(IMAGES[:1])


def test_server_that_starts_late_is_found(version):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    servers = []

    def start():
        servers.append(loopback.Loopback("gaze", version, grpc_port=port).__enter__())

    timer = threading.Timer(0.2, start)
    timer.start()
    with client.Client(f"127.0.0.1:{port}", "gaze", back_off=0.5) as one:
        try:
            assert len(one.predict(IMAGES[:1])) == 1
        finally:
            timer.join()
            servers[0].__exit__()


def test_versions_labels_and_models_are_asked_for(server, connect):
    for options in ({"version": 1}, {"label": "stable"}):
        assert len(connect(**options).predict(IMAGES[:1])) == 1
    for options in ({"version": 7}, {"label": "canary"}, {"model": "face"}):
        with pytest.raises(ValueError, match=str(next(iter(options.values())))):
            connect(**options).predict(IMAGES[:1])
    assert server.batches == [1, 1]


@pytest.mark.parametrize(
    "options",
    [
        {"version": 1, "label": "stable"},
        {"batch_size": 0},
        {"retries": 5},
        {"timeout": 0},
        {"back_off": 0},
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        client.Client(**options)


@pytest.mark.parametrize(
    "array", [np.zeros((5, 5), np.uint8), np.zeros((5, 5, 3)), np.zeros((0, 5, 3), np.uint8)]
)
def test_arrays_that_are_no_image_are_refused(connect, array):
    with pytest.raises(ValueError, match="RGB uint8"):
        connect().predict([array])


def test_rest_needs_neither_tensorflow_nor_stubs(server, tmp_path):
    (tmp_path / "one.png").write_bytes(VALID["png"])
    program = f"""
import sys
from salclass_tf import client
with client.Client({server.url!r}, "gaze") as one:
    print(one.predict(["{tmp_path}/one.png"])[0].top_classes)
assert not {{"tensorflow", "grpc"}} & set(sys.modules)
sys.modules["tensorflow_serving"] = None
try:
    client.Client("localhost:1")
except ValueError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "pip install tensorflow-serving-api" in done.stdout
