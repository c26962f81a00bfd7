"""The export that the page shows, with what it says of itself."""

import dataclasses
import os

from salclass_tf import prediction
from salclass_tf.prediction.models import Model
from salclass_tf.runs import finished_export


@dataclasses.dataclass(frozen=True)
class Served:
    """A loaded export.

    Attributes:
        model: answers to encoded images, as TensorFlow Serving would.
        card: its `model_card.json`.
        class_names: in the order of its probabilities; none of a detector.
    """

    model: Model
    card: dict
    class_names: tuple[str, ...]

    @property
    def max_pixels(self) -> int:
        """The most pixels that an image may have."""
        return self.card["export"]["max_pixels"]


def load(export_dir: str | os.PathLike) -> Served:
    """Loads the newest version of an export.

    Args:
        export_dir: folder of the versions, or of one of them.

    Returns:
        The version, ready to answer.

    Raises:
        ValueError: if there is no export yet, it is damaged, or `export.py` did not write it.
    """
    found = finished_export.find(export_dir)
    if found is None:
        raise ValueError(
            f"{export_dir} holds no export yet; run python train.py and "
            f"python export.py --export_dir={export_dir} first"
        )
    model = prediction.load_export(found.version)
    return Served(model=model, card=found.card, class_names=found.class_names)
