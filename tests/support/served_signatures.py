"""A SavedModel answered by a session, which is how TensorFlow Serving runs one.

Unlike functions that are called in Python, a session keeps no memory of the errors it raises
(`findings/tensorflow_keeps_errors.sh`).
"""

import pathlib

import numpy as np
import tensorflow as tf


class ServedSignatures:
    """The signatures of one exported version."""

    def __init__(self, version: pathlib.Path):
        graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=graph)
        with graph.as_default():
            loaded = tf.compat.v1.saved_model.load(self._session, ["serve"], str(version))
        self._signatures = {
            name: (_tensors(signature.inputs), _tensors(signature.outputs))
            for name, signature in loaded.signature_def.items()
            if signature.outputs
        }

    def __contains__(self, name: str) -> bool:
        return name in self._signatures

    def inputs(self, name: str) -> set[str]:
        """Names of a signature's inputs."""
        return set(self._signatures[name][0])

    def outputs(self, name: str) -> list[str]:
        """Names of a signature's outputs."""
        return list(self._signatures[name][1])

    def run(
        self, name: str, inputs: dict[str, np.ndarray], wanted: list[str]
    ) -> dict[str, np.ndarray]:
        """Outputs of a signature; raises what TensorFlow raises."""
        feeds, fetches = self._signatures[name]
        feed = {feeds[key]: value for key, value in inputs.items()}
        return self._session.run({key: fetches[key] for key in wanted}, feed)

    def close(self) -> None:
        """Frees the session."""
        self._session.close()


def _tensors(places: dict) -> dict[str, str]:
    """Name of the graph's tensor by the name in the signature."""
    return {key: info.name for key, info in places.items()}
