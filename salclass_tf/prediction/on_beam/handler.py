"""The network of an export, for Beam's RunInference.

Beam's own handler for TensorFlow asks Keras to load the model, which reads no SavedModel, and wants
tensors of one shape; images come here encoded, of any size, and some are broken.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from apache_beam.ml.inference import base

from salclass_tf.prediction import models, outputs
from salclass_tf.prediction.answering import Answer, Answering
from salclass_tf.prediction.on_beam import places
from salclass_tf.prediction.on_beam.plan import Picture, Shard


class Read(NamedTuple):
    """An image that was read.

    Attributes:
        shard: that it belongs to.
        place: in the shard, from 0.
        picture: where it was found.
        content: of its file; b"" where that could not be read.
        error: why not; "" where it could.
    """

    shard: Shard
    place: int
    picture: Picture
    content: bytes
    error: str


class Row(NamedTuple):
    """What a shard has of an image.

    Attributes:
        shard: that it belongs to.
        place: in the shard, from 0.
        columns: by the names of `prediction_shards.schema`.
    """

    shard: Shard
    place: int
    columns: dict[str, Any]


class ExportHandler(base.ModelHandler[Read, Row, Answering]):
    """Answers batches of images that were read.

    Args:
        export_dir: place of the export.
        view: see `job.predict` of `prediction`.
        map_format: see there.
    """

    def __init__(self, export_dir: str, view: str, map_format: str):
        super().__init__()
        self._export_dir, self._view, self._map_format = export_dir, view, map_format

    def load_model(self) -> Answering:
        """Loads the export, once in a process."""
        return Answering(models.load_export(places.local_copy(self._export_dir)), self._view)

    def run_inference(
        self, batch: Sequence[Read], model: Answering, inference_args: dict | None = None
    ) -> Iterator[Row]:
        """Answers a batch, which the network gets together; what is no image gets an error."""
        answers = model([one.content for one in batch if not one.error])
        for one in batch:
            answer = one.error or next(answers)
            columns = {"image": _text(one.picture.image), "name": _text(one.picture.name)}
            told = {"error": answer} if isinstance(answer, str) else self._columns(answer)
            yield Row(one.shard, one.place, columns | told)

    def get_num_bytes(self, batch: Sequence[Read]) -> int:
        """Returns the size of the images of a batch; Beam would pickle them to know."""
        return sum(len(one.content) for one in batch)

    def get_metrics_namespace(self) -> str:
        """Returns what Beam's counts of images and seconds are found under."""
        return "salclass"

    def _columns(self, answer: Answer) -> dict[str, Any]:
        """What is told of an answered image."""
        height, width = answer.image.shape[:2]
        columns = {"width": width, "height": height, **answer.ends}
        for place, (name, probability) in enumerate(answer.classes, 1):
            columns |= {f"class_{place}": name, f"probability_{place}": probability}
        if answer.saliency is not None:
            columns["map"] = outputs.encode_map(answer.saliency, self._map_format)
        return columns


def _text(path: str) -> str:
    """A path as text; what of a file's name is no text is written as Python would."""
    return path.encode("utf-8", "backslashreplace").decode()
