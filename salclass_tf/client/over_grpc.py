"""Requests over gRPC, by the stubs of `tensorflow-serving-api`."""

import json
from collections.abc import Sequence

import numpy as np

from salclass_tf.client.errors import RequestRefused

#: gRPC itself allows five attempts
MOST_RETRIES = 4

_MOST_BUFFERED = 256 * 2**20


class GrpcTransport:
    """Calls `PredictionService.Predict`."""

    def __init__(
        self, target: str, spec: dict, timeout: float, retries: int, back_off: float
    ) -> None:
        """See `Client`.

        Args:
            target: host:port.
            spec: `name`, and `version` or `version_label`.
            timeout: of a request, its repetitions included.
            retries: how often an attempt that found nobody is repeated.
            back_off: mean seconds before the first repetition, doubled before each further one.

        Raises:
            ValueError: if `tensorflow-serving-api` is not installed.
        """
        try:
            import grpc
            from tensorflow_serving.apis import prediction_service_pb2_grpc
        except ImportError as error:
            raise ValueError(
                f"gRPC needs package {error.name}: pip install tensorflow-serving-api; or give a "
                "REST address, http://host:8501"
            ) from None
        self._target, self._spec, self._timeout = target, spec, timeout
        options = [
            # Answers with maps are larger than the 4 MiB that gRPC takes.
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            # A request beyond this buffer is never repeated, and gRPC's own is 256 KiB.
            ("grpc.per_rpc_retry_buffer_size", _MOST_BUFFERED),
            ("grpc.service_config", json.dumps(_service_config(retries, back_off))),
            ("grpc.enable_retries", int(retries > 0)),
        ]
        self._channel = grpc.insecure_channel(target, options)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def call(
        self, signature: str, images: list[bytes], outputs: Sequence[str]
    ) -> dict[str, np.ndarray]:
        """Sends encoded images to a signature.

        Args:
            signature: its name.
            images: encoded.
            outputs: those that the answer shall hold; all if empty.

        Returns:
            Output name -> array, images first.

        Raises:
            RequestRefused: if the server finds the request wrong.
            ValueError: if the model or its version is not there.
            ConnectionError: if there is no server, one that is too busy, after all attempts, or one
                that fails.
            TimeoutError: if there is no answer in time.
        """
        import grpc
        import tensorflow as tf
        from tensorflow_serving.apis import predict_pb2

        request = predict_pb2.PredictRequest()
        request.model_spec.name = self._spec["name"]
        request.model_spec.signature_name = signature
        if "version" in self._spec:
            request.model_spec.version.value = self._spec["version"]
        if "version_label" in self._spec:
            request.model_spec.version_label = self._spec["version_label"]
        request.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto(images, tf.string))
        request.output_filter.extend(outputs)
        try:
            answer = self._stub.Predict(request, timeout=self._timeout)
        except grpc.RpcError as error:
            raise self._translated(error.code(), error.details() or "") from error
        try:
            return {name: tf.make_ndarray(value) for name, value in answer.outputs.items()}
        except (TypeError, ValueError) as error:
            raise ConnectionError(f"{self._target} sent a damaged tensor: {error}") from None

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()

    def _translated(self, code, details: str) -> Exception:
        """Python's own error for a status of gRPC."""
        if code.name == "INVALID_ARGUMENT":
            return RequestRefused(details.split("\n")[0])
        if code.name in ("NOT_FOUND", "FAILED_PRECONDITION"):
            return ValueError(f"{self._target} does not serve {self._spec}: {details}")
        if code.name == "UNAVAILABLE":
            return ConnectionError(f"{self._target} is not available: {details}")
        if code.name == "DEADLINE_EXCEEDED":
            return TimeoutError(f"no answer from {self._target} within {self._timeout:g} s")
        return ConnectionError(f"{self._target}: {code.name}: {details}")


def _service_config(retries: int, back_off: float) -> dict:
    """What gRPC shall do when nobody answers."""
    method = {"name": [{"service": "tensorflow.serving.PredictionService"}]}
    if retries:
        method["retryPolicy"] = {
            "maxAttempts": retries + 1,
            "initialBackoff": f"{back_off:.3f}s",
            "maxBackoff": f"{back_off * 2**MOST_RETRIES:.3f}s",
            "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE"],
        }
    return {"methodConfig": [method]}
