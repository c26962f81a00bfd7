"""What predicts: a finished stage of training, or an export of one."""

import dataclasses
import functools
import os
from collections.abc import Callable, Sequence

import tensorflow as tf

from salclass_tf.data import cropping
from salclass_tf.data.geometry import Geometry
from salclass_tf.model.whole_images import WholeImages, WholeImagesOfServer
from salclass_tf.runs import finished_export
from salclass_tf.serving import exports, headers, signatures, trained, twins


@dataclasses.dataclass(frozen=True)
class Model:
    """A network as it is served, in this process.

    Attributes:
        name: what it is and where it was found, for people.
        description: what it is, without where.
        geometry: its crop and resize sizes.
        signature: its `serving_default`, see `serving.signatures.build`.
        open_whole: makes what answers whole images with maps; called only for networks with maps.
        max_pixels: the most that an image may have, before and after resizing.
        max_batch: the most images that the signature takes, None for any number.
    """

    name: str
    description: str
    geometry: Geometry
    signature: Callable[..., dict[str, tf.Tensor]]
    open_whole: Callable[[], WholeImages | WholeImagesOfServer]
    max_pixels: int
    max_batch: int | None = None

    @functools.cached_property
    def whole(self) -> WholeImages | WholeImagesOfServer:
        """Image uint8 [h, w, 3] -> map of all of it, float32 [h, w, 1]."""
        return self.open_whole()

    @property
    def makes_maps(self) -> bool:
        """Whether its answers hold a saliency map."""
        return "saliency" in self.signature.structured_outputs

    @property
    def top_k(self) -> int:
        """How many classes an answer names, 0 of a detector."""
        classes = self.signature.structured_outputs.get("top_classes")
        return 0 if classes is None else classes.shape[-1]

    def __call__(self, images: Sequence[bytes]) -> dict[str, tf.Tensor]:
        """Answers to encoded images, each answer with the images as its first dimension.

        Raises:
            tf.errors.InvalidArgumentError: if one of them is no image, damaged or too large.
        """
        encoded = tf.constant(list(images), tf.string)
        return finished_export.in_requests(self.signature, encoded, self.max_batch)

    def check(self, images: Sequence[bytes]) -> None:
        """Reads encoded images as an answer would, and nothing more.

        Raises:
            tf.errors.InvalidArgumentError: as an answer would.
        """
        for image in images:
            self._decode(tf.constant(image, tf.string))

    @functools.cached_property
    def _decode(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """What the signature does before it resizes an image."""

        def decode(image: tf.Tensor) -> tf.Tensor:
            return cropping.decode(
                headers.checked(image, self.geometry.short_side, self.max_pixels)
            )

        return tf.function(decode, input_signature=[tf.TensorSpec([], tf.string)], autograph=False)


def load_run(
    workdir: str | os.PathLike,
    stage: str = "joint",
    max_pixels: int | None = None,
    data_dir: str | None = None,
    class_names: str | os.PathLike | None = None,
) -> Model:
    """Loads the network of a finished stage, in float32, as an export of it would be served.

    Args:
        workdir: folder of the run.
        stage: name of the stage.
        max_pixels: the most that an image may have; None is what an export has by default.
        data_dir: where prepared data sets live, for the names of the classes.
        class_names: text file with a name per line, in place of those.

    Returns:
        The model.

    Raises:
        ValueError: if the stage is not finished, or its classes have no names.
    """
    given = {} if max_pixels is None else {"max_pixels": max_pixels}
    settings = exports.Settings(**given)
    finished = trained.open_stage(workdir, stage)
    served = signatures.build(
        exports.frozen_twin(finished, settings.precision),
        geometry=finished.geometry,
        class_names=trained.class_names(finished, data_dir, class_names),
        top_k=settings.top_k,
        max_pixels=settings.max_pixels,
        max_batch=settings.max_batch,
    )
    trained_on = f"trained on {finished.metrics['dataset']}"
    names = f"stage {stage} of {workdir}, {trained_on}", f"stage {stage}, {trained_on}"

    def open_whole() -> WholeImages:
        return WholeImages(twins.in_precision(finished, settings.precision), finished.geometry)

    serve, limits = served["serving_default"], (settings.max_pixels, settings.max_batch)
    return Model(*names, finished.geometry, serve, open_whole, *limits)


def load_export(folder: str | os.PathLike) -> Model:
    """Loads an export.

    Args:
        folder: of a version, or of several, of which the newest is taken.

    Returns:
        The model.

    Raises:
        ValueError: if there is no export, it is damaged, or `export.py` did not write it.
    """
    found = finished_export.require(folder)
    loaded, card, geometry = found.load(), found.card, found.geometry
    description = f"{card['model']}, trained on {card['data']}"
    names = f"export {found.version}: {description}", description

    def open_whole() -> WholeImagesOfServer:
        return WholeImagesOfServer(loaded.signatures["serving_image"], geometry)

    serve = loaded.signatures["serving_default"]
    return Model(*names, geometry, serve, open_whole, found.max_pixels, found.max_batch)
