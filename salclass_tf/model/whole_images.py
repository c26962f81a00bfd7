"""A detector's maps of whole images, where training has shown it square crops."""

from collections.abc import Callable

import keras
import tensorflow as tf

from salclass_tf.data import cropping
from salclass_tf.data.geometry import Geometry
from salclass_tf.detectors import any_size
from salclass_tf.model.networks import SalClassNet

# A longer image would ask for memory that its short side does not let one expect.
_LONGEST_ASPECT = 4


class WholeImages:
    """A detector that answers whole images with maps in the images' own pixels.

    A fully convolutional detector gets the image in its own aspect, with the short side that
    images had in training before crops were taken, so that things appear as large as they did
    there. Any other gets the image squeezed into the square that it takes. The map is resized to
    the image, bilinear with antialiasing, and not rounded.

    Args:
        network: a detector, or a SalClassNet, whose detector is taken.
        geometry: crop and resize sizes of its training.
    """

    def __init__(self, network: keras.Model, geometry: Geometry):
        detector = network.detector if isinstance(network, SalClassNet) else network
        self._geometry = geometry
        self._keeps_aspect = any_size.is_fully_convolutional(detector)
        self._network = any_size.at_any_size(detector) if self._keeps_aspect else detector
        specs = [tf.TensorSpec([None, None, 3], tf.uint8), tf.TensorSpec([2], tf.int32)]
        self._map = tf.function(self._answer, input_signature=specs, autograph=False)

    @property
    def shown(self) -> str:
        """How the detector is shown an image, in words for tables."""
        if self._keeps_aspect:
            return f"own aspect, short side {self._geometry.short_side}"
        return _squeezed(self._geometry)

    def __call__(self, image: tf.Tensor) -> tf.Tensor:
        """Returns the map of one image.

        Args:
            image: RGB uint8 [h, w, 3].

        Returns:
            float32 [h, w, 1].
        """
        return self._map(image, self.size_shown(*image.shape[:2]))

    def size_shown(self, height: int, width: int) -> tuple[int, int]:
        """Height and width in which the detector is shown an image.

        An image that is more than 4 times as long as wide is shown as if it were 4 times.
        """
        if not self._keeps_aspect:
            return (self._geometry.image_size,) * 2
        longest = _LONGEST_ASPECT * self._geometry.short_side
        sides = self._geometry.resized(height, width)
        return min(sides[0], longest), min(sides[1], longest)

    def _answer(self, image: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
        """The map of an image that is shown in a size."""
        shown = cropping.resize(image, tf.unstack(size))
        if not self._keeps_aspect:
            shown = tf.ensure_shape(shown, [*self._network.input_shape[1:3], 3])
        saliency = self._network(shown[tf.newaxis], training=False)[0]
        return tf.image.resize(saliency, tf.shape(image)[:2], antialias=True)


class WholeImagesOfServer:
    """A server that cuts a square out of every image, brought to look at all of it.

    It gets the image squeezed into the square, in a frame that is just what it cuts off.

    Args:
        serve: signature of an export, `image` uint8 [b, h, w, 3] -> answers, `saliency` float32
            [b, s, s, 1] among them.
        geometry: how it crops.
    """

    def __init__(self, serve: Callable[..., dict[str, tf.Tensor]], geometry: Geometry):
        self._serve, self._geometry = serve, geometry

    @property
    def shown(self) -> str:
        """How the server is shown an image, in words for tables."""
        return _squeezed(self._geometry)

    def __call__(self, image: tf.Tensor) -> tf.Tensor:
        """Returns the map of one image, see `WholeImages`."""
        side, framed = self._geometry.image_size, self._geometry.short_side
        squeezed = cropping.resize(image, (side, side))
        corner = self._geometry.central_origin(framed, framed)
        frame = tf.image.pad_to_bounding_box(squeezed, *corner, framed, framed)
        saliency = self._serve(image=frame[tf.newaxis])["saliency"][0]
        return tf.image.resize(saliency, tf.shape(image)[:2], antialias=True)


def _squeezed(geometry: Geometry) -> str:
    """What is said of images that are not shown in their own aspect."""
    return f"squeezed to {geometry.image_size} x {geometry.image_size}"
