"""The client before servers that answer wrongly: nothing is invented, lost, or waited for."""

import base64
import concurrent.futures
import contextlib
import http.server
import json
import threading
import time

import numpy as np
import pytest

pytest.importorskip("tensorflow_serving.apis.prediction_service_pb2_grpc")
pytest.importorskip("requests")

import grpc  # noqa: E402
import tensorflow as tf  # noqa: E402
from encoded_images import VALID  # noqa: E402
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc  # noqa: E402

from salclass_tf import client  # noqa: E402

PICTURES = [VALID["png"]] * 2
ROW = {
    "probabilities": [0.25, 0.75],
    "top_classes": ["cat"],
    "top_probabilities": [0.75],
    "saliency": [[[0.5]]],
}


@contextlib.contextmanager
def rest_server(reply):
    """Serves REST on the loopback; `reply(handler)` writes a response. Yields the address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):  # noqa: N802, the library's name
            self.rfile.read(int(self.headers["Content-Length"]))
            reply(self)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def respond(handler, status, body=b"", **headers):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def saying(content):
    return lambda handler: respond(handler, 200, json.dumps(content).encode())


def test_true_form_is_accepted():
    with rest_server(saying({"predictions": [ROW, ROW]})) as url, client.Client(url) as one:
        answers = one.predict(PICTURES)
    assert [answer.top_classes for answer in answers] == [("cat",), ("cat",)]
    np.testing.assert_array_equal(answers[1].saliency, np.float32([[0.5]]))


@pytest.mark.parametrize(
    "content",
    [
        {"predictions": [ROW]},
        {"predictions": [ROW] * 3},
        {"predictions": []},
        {"predictions": None},
        {"predictions": [None, None]},
        {"predictions": [ROW, None]},
        {"predictions": [ROW, {"saliency": [[[0.5]]]}]},
        {"predictions": [ROW | {"probabilities": None}] * 2},
        {"predictions": [ROW | {"probabilities": [0.5, None]}] * 2},
        {"predictions": [ROW | {"top_classes": [None]}] * 2},
        {"predictions": [ROW, ROW | {"probabilities": [0.5]}]},
        {"predictions": [ROW | {"saliency": "dark"}] * 2},
        {"predictions": [{"price": 3.0}] * 2},
        {"predictions": [0.5, 0.5]},
        {"predictions": [{"b64": "AAAA"}] * 2},
        {"predictions": {"saliency": 1}},
        {"outputs": 1},
        [ROW, ROW],
        "hello",
    ],
    ids=str,
)
def test_predictions_that_are_not_one_per_image_are_an_error(content):
    with rest_server(saying(content)) as url, client.Client(url) as one:
        with pytest.raises(ConnectionError):
            one.predict(PICTURES)


@pytest.mark.parametrize("overlay", [b"no picture", VALID["png"], VALID["png"][:60]])
def test_overlay_that_is_none_is_an_error_with_the_name_of_the_image(overlay, tmp_path):
    (tmp_path / "cat.png").write_bytes(VALID["png"])
    body = {"predictions": [{"b64": base64.b64encode(overlay).decode()}]}
    with rest_server(saying(body)) as url, client.Client(url) as one:
        with pytest.raises(ConnectionError, match=r"cat\.png"):
            one.overlays([tmp_path / "cat.png"])


def test_classes_in_place_of_overlays_are_an_error():
    with rest_server(saying({"predictions": [ROW, ROW]})) as url, client.Client(url) as one:
        with pytest.raises(ConnectionError, match="outputs are overlay_bytes"):
            one.overlays(PICTURES)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(status):
    asked = []

    def other(handler):
        asked.append(handler.path)
        saying({"predictions": [ROW, ROW]})(handler)

    with rest_server(other) as elsewhere:
        reply = lambda handler: respond(handler, status, Location=elsewhere)  # noqa: E731
        with rest_server(reply) as url, client.Client(url) as one:
            with pytest.raises(ConnectionError, match=f"not followed: {elsewhere}"):
                one.predict(PICTURES)
    assert not asked


def test_body_that_trickles_in_is_given_up_in_time():
    given_up = threading.Event()

    def reply(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        while not given_up.wait(0.05):
            handler.wfile.write(b" ")

    with rest_server(reply) as url, client.Client(url, timeout=0.4) as one:
        started = time.monotonic()
        with pytest.raises(TimeoutError, match=r"127\.0\.0\.1.*0\.4 s"):
            one.predict(PICTURES)
        assert time.monotonic() - started < 2
        given_up.set()


def test_pause_longer_than_the_timeout_is_not_waited_for():
    reply = lambda handler: respond(handler, 503, Retry_After="3600")  # noqa: E731
    with rest_server(reply) as url, client.Client(url, timeout=5) as one:
        started = time.monotonic()
        with pytest.raises(ConnectionError, match="wait for 3600 s"):
            one.predict(PICTURES)
        assert time.monotonic() - started < 2


def test_pauses_together_end_with_the_timeout():
    reply = lambda handler: respond(handler, 429, Retry_After="1")  # noqa: E731
    with rest_server(reply) as url, client.Client(url, timeout=1.2) as one:
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            one.predict(PICTURES)
        assert time.monotonic() - started < 2


def test_failing_server_is_one_of_the_documented_errors():
    reply = lambda handler: respond(handler, 500, b"oops")  # noqa: E731
    with rest_server(reply) as url, client.Client(url) as one:
        with pytest.raises(ConnectionError, match="status 500"):
            one.predict(PICTURES)


def test_files_that_cannot_be_read_are_named(tmp_path):
    with client.Client("http://127.0.0.1:1") as one:
        for path in (tmp_path, tmp_path / "absent.png", "\0.png"):
            with pytest.raises(ValueError, match="cannot be read") as refusal:
                one.predict([path])
            assert repr(str(path)) in str(refusal.value)
        with pytest.raises(ValueError, match="number 0.*RGB uint8"):
            one.predict([np.zeros((5, 5))])


@contextlib.contextmanager
def grpc_server(outputs):
    """Serves gRPC on the loopback with one answer to all: name -> array. Yields the target."""

    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):  # noqa: N802, the stubs' name
            answer = predict_pb2.PredictResponse()
            for name, values in outputs.items():
                answer.outputs[name].CopyFrom(tf.make_tensor_proto(values))
            return answer

    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


@pytest.mark.parametrize(
    "outputs",
    [
        {},
        {"price": np.zeros(2)},
        {"probabilities": np.zeros((1, 3))},
        {"probabilities": np.zeros((3, 3))},
        {"probabilities": np.zeros((2, 3)), "saliency": np.zeros((1, 4, 4, 1))},
        {"probabilities": np.float32(1)},
        {"saliency": np.zeros((2, 4))},
        {"top_classes": np.zeros((2, 4))},
    ],
    ids=lambda outputs: str({name: value.shape for name, value in outputs.items()}),
)
def test_foreign_answers_over_grpc_are_an_error(outputs):
    with grpc_server(outputs) as target, client.Client(target) as one:
        with pytest.raises(ConnectionError, match="images number 0 to number 1"):
            one.predict(PICTURES)


def test_damaged_overlays_over_grpc_are_an_error():
    with grpc_server({"overlay_bytes": np.array([b"x", b"y"])}) as target:
        with client.Client(target) as one, pytest.raises(ConnectionError, match="image number 0"):
            one.overlays(PICTURES)
