"""A server on the loopback that speaks TensorFlow Serving's two languages around a SavedModel.

gRPC is the official stubs of tensorflow-serving-api; REST is `:predict` in the row form. Its words
for mistakes are those of the real server. It has neither that server's batching nor its versions.

As a program, `python tests/support/loopback.py NAME VERSION_FOLDER`, it prints its two ports, and
serves until its standard input ends.
"""

import base64
import concurrent.futures
import http.server
import json
import pathlib
import re
import sys
import threading

import grpc
import numpy as np
import tensorflow as tf
from served_signatures import ServedSignatures
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

_STATUS = {
    "INVALID_ARGUMENT": 400,
    "NOT_FOUND": 404,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


class Refusal(Exception):
    """A status of gRPC and what the server says."""


class Loopback:
    """Serves one version of one model on two ports of 127.0.0.1.

    Attributes:
        target: host:port of gRPC.
        url: of REST.
        busy_for: how many of the next requests find the server busy.
        delay: seconds that each request waits.
        batches: sizes of the batches that were answered.
    """

    def __init__(self, name: str, version: pathlib.Path, grpc_port: int = 0):
        self.name, self.version, self.label = name, int(version.name), "stable"
        self._signatures = ServedSignatures(version)
        self.busy_for, self.delay, self.batches = 0, 0.0, []
        self._lock, self._wait = threading.Lock(), threading.Event()
        self._grpc = grpc.server(
            concurrent.futures.ThreadPoolExecutor(16),
            options=[("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)],
        )
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            _Service(self), self._grpc
        )
        self.target = f"127.0.0.1:{self._grpc.add_insecure_port(f'127.0.0.1:{grpc_port}')}"
        self._rest = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._rest.server_port}"

    def __enter__(self) -> "Loopback":
        self._grpc.start()
        threading.Thread(target=self._rest.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._wait.set()
        self._grpc.stop(None).wait()
        self._rest.shutdown()
        self._rest.server_close()
        self._signatures.close()

    def answer(
        self, spec: dict, signature: str, inputs: dict, wanted: list[str]
    ) -> dict[str, np.ndarray]:
        """Outputs of a signature; raises `Refusal`."""
        with self._lock:
            busy, self.busy_for = self.busy_for > 0, max(self.busy_for - 1, 0)
        self._wait.wait(self.delay)
        if busy:
            raise Refusal(
                "UNAVAILABLE", "The batch scheduling queue to which this task was submitted is full"
            )
        asked = spec.get("version", self.version), spec.get("label", self.label)
        if spec["name"] != self.name or asked != (self.version, self.label):
            raise Refusal("NOT_FOUND", f"Servable not found for request: {spec}")
        if signature not in self._signatures:
            raise Refusal("INVALID_ARGUMENT", f'Serving signature key "{signature}" not found.')
        known = self._signatures.inputs(signature)
        if set(inputs) != known:
            raise Refusal(
                "INVALID_ARGUMENT",
                f"input size does not match signature: {len(inputs)}!={len(known)} len({known}). "
                f"Sent extra: {set(inputs) - known}. Missing but required: {known - set(inputs)}.",
            )
        outputs = self._signatures.outputs(signature)
        unknown = set(wanted) - set(outputs)
        if unknown:
            raise Refusal("INVALID_ARGUMENT", f"output tensor alias not found: {min(unknown)}")
        try:
            out = self._signatures.run(signature, inputs, wanted or outputs)
        except tf.errors.InvalidArgumentError as error:
            # As the graph says it; what is before and after is Python's.
            said, *node = error.message.partition("\n\t [[")
            text = "".join([said.splitlines()[-1], *node])
            raise Refusal("INVALID_ARGUMENT", text) from error
        self.batches.append(len(next(iter(inputs.values()))))
        return out


class _Service(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, loopback: Loopback):
        self._loopback = loopback

    def Predict(self, request, context):  # noqa: N802, the stubs' name
        model = request.model_spec
        spec = {"name": model.name}
        if model.WhichOneof("version_choice") == "version":
            spec["version"] = model.version.value
        if model.WhichOneof("version_choice") == "version_label":
            spec["label"] = model.version_label
        inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
        signature = model.signature_name or "serving_default"
        try:
            out = self._loopback.answer(spec, signature, inputs, list(request.output_filter))
        except Refusal as refusal:
            code, details = refusal.args
            context.abort(getattr(grpc.StatusCode, code), details)
        answer = predict_pb2.PredictResponse()
        for key, value in out.items():
            answer.outputs[key].CopyFrom(tf.make_tensor_proto(value))
        return answer


def _handler(loopback: Loopback) -> type:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):  # noqa: N802, the library's name
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                self._reply(200, {"predictions": self._predictions(body)})
            except Refusal as refusal:
                self._reply(_STATUS[refusal.args[0]], {"error": refusal.args[1]})

        def _predictions(self, body):
            place = r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?:predict"
            found = re.fullmatch(place, self.path)
            if not found:
                raise Refusal("NOT_FOUND", f"Malformed request: POST {self.path}")
            name, version, label = found.groups()
            spec = {"name": name} | ({"version": int(version)} if version else {})
            spec |= {"label": label} if label else {}
            signature = body.get("signature_name", "serving_default")
            images = [base64.b64decode(i["b64"], validate=True) for i in body["instances"]]
            inputs = {"image_bytes": np.array(images, object)}
            out = loopback.answer(spec, signature, inputs, [])
            columns = {key: _plain(key, value) for key, value in out.items()}
            if len(columns) == 1:
                return next(iter(columns.values()))
            return [
                dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
            ]

        def _reply(self, status, content):
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Handler


def _plain(name: str, values: np.ndarray) -> list:
    """An output as JSON has it: bytes in base64 where the name says so, else text."""
    if values.dtype != object:
        return values.tolist()
    if name.endswith("_bytes"):
        return [{"b64": base64.b64encode(value).decode()} for value in values]
    decode = np.vectorize(lambda value: value.decode(), otypes=[object])
    return decode(values).tolist()


if __name__ == "__main__":
    with Loopback(sys.argv[1], pathlib.Path(sys.argv[2])) as server:
        print(server.target, server.url, flush=True)
        sys.stdin.read()
