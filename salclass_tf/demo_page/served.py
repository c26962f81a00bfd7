"""The export that the page shows, with what it says of itself."""

import dataclasses
import json
import os
import pathlib

from salclass_tf import prediction
from salclass_tf.prediction.models import Model
from salclass_tf.serving import versions


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
        ValueError: if there is no export yet, or one that `export.py` did not write.
    """
    folder = pathlib.Path(export_dir)
    version = folder if (folder / "saved_model.pb").is_file() else versions.newest(folder)
    if version is None:
        raise ValueError(
            f"{folder} holds no export yet; run python train.py and "
            f"python export.py --export_dir={folder} first"
        )
    model = prediction.load_export(version)
    names = version / "assets" / "class_names.txt"
    return Served(
        model=model,
        card=json.loads((version / "model_card.json").read_text()),
        class_names=tuple(names.read_text("utf-8").splitlines()) if names.is_file() else (),
    )
