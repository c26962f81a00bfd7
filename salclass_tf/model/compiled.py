"""Metrics of Keras that a user asks for in `compile`, each of one output."""

from collections.abc import Callable

import keras
import tensorflow as tf

# Output -> the key of its truth in a batch.
TRUTHS = {"saliency": "saliency", "logits": "label"}

_REPORTED = {"acc": "accuracy", "accuracy": "accuracy", "cc": "cc"}

Asked = str | Callable | keras.metrics.Metric


class OutputMetrics:
    """Metrics by output. Each is reported as `<output>_<name>`.

    Args:
        metrics: as `compile` takes them: a dict of output -> metric, or a list of them; or, of
            a model with one output, a list.
        outputs: the names of the model's outputs.

    Raises:
        ValueError: if a list does not say which output it belongs to, or there is no such output
            or metric.
    """

    def __init__(self, metrics: dict | list | None, outputs: tuple[str, ...]):
        self._by_output = {}
        for output, asked in _assign(metrics, outputs).items():
            asked = asked if isinstance(asked, list | tuple) else [asked]
            self._by_output[output] = dict(map(_resolve, asked))

    @property
    def all(self) -> list[keras.metrics.Metric]:
        """All of them."""
        return [metric for metrics in self._by_output.values() for metric in metrics.values()]

    def update(self, batch: dict[str, tf.Tensor], out: dict[str, tf.Tensor]) -> None:
        """Takes in a batch: its truths, what the model gave, and `weight` where it is there."""
        for output, metrics in self._by_output.items():
            for metric in metrics.values():
                truth = batch[TRUTHS[output]]
                metric.update_state(truth, out[output], sample_weight=batch.get("weight"))

    def results(self) -> dict[str, tf.Tensor]:
        """The values up to now, by the names that are reported."""
        return {
            f"{output}_{name}": metric.result()
            for output, metrics in self._by_output.items()
            for name, metric in metrics.items()
        }


def _assign(metrics: dict | list | None, outputs: tuple[str, ...]) -> dict:
    """Output -> metrics."""
    if metrics is None:
        return {}
    if not isinstance(metrics, dict):
        if len(outputs) > 1 and metrics:
            raise ValueError(
                f"metrics must say which output they are of, {' or '.join(outputs)}: "
                f'compile(metrics={{"{outputs[-1]}": [...]}}); got {metrics!r}'
            )
        return {outputs[0]: metrics}
    unknown = sorted(set(metrics) - set(outputs))
    if unknown:
        raise ValueError(f"metrics are of outputs {', '.join(outputs)}; got {', '.join(unknown)}")
    return metrics


def _resolve(asked: Asked) -> tuple[str, keras.metrics.Metric]:
    """The metric that is meant, and its name: as it was asked for, where that was by name."""
    if isinstance(asked, str) and asked in _REPORTED:
        raise ValueError(f"metric {asked!r} is reported already, as {_REPORTED[asked]!r}")
    found = keras.metrics.get(asked)
    if not isinstance(found, keras.metrics.Metric):
        found = keras.metrics.MeanMetricWrapper(found, name=getattr(found, "__name__", "metric"))
    return asked if isinstance(asked, str) else found.name, found
