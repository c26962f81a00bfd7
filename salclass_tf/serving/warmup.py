"""Requests that TensorFlow Serving answers to itself before it tells clients that it is ready.

The first request of each batch size pays for tracing, memory and oneDNN's kernels. A server with
`--enable_model_warmup` pays at start-up, with what lies in `assets.extra`.
"""

import pathlib

import numpy as np
import tensorflow as tf

#: batch sizes that a server is warm for; `serving/batching_parameters.txt` allows the same
BATCH_SIZES = (1, 2, 4, 8)

_FILE = "assets.extra/tf_serving_warmup_requests"
_PICTURE = (240, 320)


def write(
    folder: pathlib.Path,
    model_name: str,
    signatures: dict[str, tf.types.experimental.ConcreteFunction],
    max_batch: int,
) -> int:
    """Writes warm-up requests for every signature and batch size.

    Args:
        folder: of the version.
        model_name: name that the model is served under.
        signatures: of the model.
        max_batch: the most images that the model takes; larger batch sizes get no request.

    Returns:
        How many requests were written; 0 where `tensorflow-serving-api` is not installed.
    """
    try:
        from tensorflow_serving.apis import predict_pb2, prediction_log_pb2
    except ImportError:
        return 0
    path = folder / _FILE
    path.parent.mkdir(exist_ok=True)
    count = 0
    with tf.io.TFRecordWriter(str(path)) as records:
        for name, signature in signatures.items():
            (argument,), _ = signature.structured_input_signature
            for batch_size in (size for size in BATCH_SIZES if size <= max_batch):
                request = predict_pb2.PredictRequest()
                request.model_spec.name = model_name
                request.model_spec.signature_name = name
                batch = tf.make_tensor_proto(_batch(argument.dtype, batch_size))
                request.inputs[argument.name].CopyFrom(batch)
                log = prediction_log_pb2.PredictLog(request=request)
                record = prediction_log_pb2.PredictionLog(predict_log=log)
                records.write(record.SerializeToString())
                count += 1
    return count


def pictures(count: int, height: int, width: int) -> np.ndarray:
    """Draws soft blots of colour, always the same ones; uint8 [count, height, width, 3]."""
    coarse = np.random.default_rng(0).random((count, 6, 8, 3), np.float32)
    smooth = tf.image.resize(255 * coarse, (height, width), "bicubic")
    return tf.cast(tf.clip_by_value(smooth, 0, 255), tf.uint8).numpy()


def _batch(dtype: tf.DType, batch_size: int) -> np.ndarray:
    """A batch of equal pictures, encoded or not."""
    picture = pictures(1, *_PICTURE)[0]
    one = tf.io.encode_jpeg(picture).numpy() if dtype == tf.string else picture
    return np.stack([one] * batch_size)
