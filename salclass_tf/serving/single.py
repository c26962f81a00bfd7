"""The export of a model in memory: one SavedModel, without a run behind it."""

import os
import pathlib
import shutil
import tempfile

from salclass_tf import failures
from salclass_tf.data.geometry import Geometry
from salclass_tf.model import GazeModel
from salclass_tf.runs.files import put_folder
from salclass_tf.serving import exports, frozen, signatures


def export_network(
    model: GazeModel,
    folder: str | os.PathLike,
    geometry: Geometry,
    class_names: tuple[str, ...],
) -> None:
    """Writes a SavedModel with the signatures of `signatures.build`, its weights as constants.

    Its signatures take at most `signatures.MAX_BATCH` images. Unlike `exports.export` it computes
    in the precision that the model has, does not fold batch normalisations, and writes no model
    card, no warm-up requests and no version folder.

    Args:
        model: what answers images.
        folder: of the SavedModel; it appears whole, in place of an earlier one.
        geometry: crop and resize sizes.
        class_names: in the order of the logits, () for a detector.

    Raises:
        ValueError: if the folder has other content than a SavedModel.
        OSError: if the disk is full.
    """
    folder = pathlib.Path(folder)
    if folder.exists() and not _is_replaceable(folder):
        raise ValueError(
            f"{folder} has other content than an export; name a new or an empty folder"
        )
    forward = frozen.freeze(model, geometry.image_size)
    served = signatures.build(forward, geometry=geometry, class_names=class_names)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (
        failures.full_disk_named(folder),
        tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as scratch,
    ):
        whole = pathlib.Path(scratch) / "new"
        exports.save(whole, served, class_names)
        if folder.exists():
            shutil.rmtree(folder)
        put_folder(whole, folder)


def _is_replaceable(folder: pathlib.Path) -> bool:
    """Whether a folder is empty or a SavedModel."""
    if not folder.is_dir():
        return False
    return (folder / "saved_model.pb").is_file() or not any(folder.iterdir())
