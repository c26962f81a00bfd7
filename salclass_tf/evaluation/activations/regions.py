"""The regions of images that activate feature maps most, over whole data sets in one pass."""

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from salclass_tf.evaluation.activations import choice, feature_layers, peaks
from salclass_tf.evaluation.activations.choice import MAPS, Channel
from salclass_tf.evaluation.activations.feature_layers import FeatureLayer
from salclass_tf.evaluation.activations.peaks import Seen
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet
from salclass_tf.evaluation.methods.method import Method
from salclass_tf.evaluation.paper_figures.picking import Largest

#: batches of the first set by which maps are chosen
SURVEYED = 8

#: longest side of a region, as a share of the image's
_LARGEST = 0.5


@dataclasses.dataclass(frozen=True, eq=False)
class Region:
    """Where an image activates a feature map most.

    Attributes:
        pixels: what `crop` cuts out for the most active unit, uint8 [h, w, 3].
        activation: of that unit.
    """

    pixels: np.ndarray
    activation: float


@dataclasses.dataclass(frozen=True, eq=False)
class FeatureMap:
    """A feature map and what activates it most.

    Attributes:
        layer: that gives it.
        channel: its number in the layer, from 0.
        regions: of each data set, one an image, the highest activation first.
    """

    layer: FeatureLayer
    channel: int
    regions: tuple[tuple[Region, ...], ...]


def strongest(
    method: Method,
    sets: Sequence[EvaluatedSet],
    count: int,
    layers: Sequence[str] = (),
    channels: Sequence[Channel] = (),
) -> list[FeatureMap]:
    """Finds the images that activate feature maps of a classifier most, and where.

    Every image is read once and offers each map one region, around its most active unit; kept are
    the pixels of `count` regions for each map and set, beside them `SURVEYED` batches at most. An
    image on which a map is the same everywhere, as one that stays silent, offers nothing.

    Args:
        method: with a network that classifies; SalClassNet reads its own detector's maps.
        sets: images.
        count: how many regions of a map are kept in each set.
        layers: see `choice.choose`.
        channels: see there; a layer without any shows the `MAPS` ones that vary most, see
            `choice.most_varied`, over the first `SURVEYED` batches of the first set.

    Raises:
        ValueError: for a layer or a channel that is not there, and see `peaks.read`.
    """
    network = method.network()
    known = feature_layers.find(peaks.classifier_of(network))
    numbers = choice.choose(known, layers, channels)
    found: dict[tuple[FeatureLayer, int], list[tuple[Region, ...]]] = {}
    for dataset in sets:
        seen = peaks.read(method, network, tuple(numbers), dataset)
        if not all(numbers.values()):
            first = list(itertools.islice(seen, SURVEYED))
            for index, layer in enumerate(numbers):
                highest = np.concatenate([of_layers[index].highest for _, of_layers in first])
                numbers[layer] = numbers[layer] or choice.most_varied(highest, MAPS)
            seen = itertools.chain(first, seen)
        for key, regions in _collect(seen, numbers, count).items():
            found.setdefault(key, []).append(tuple(regions))
    return [FeatureMap(*key, tuple(regions)) for key, regions in found.items()]


def crop(image: np.ndarray, layer: FeatureLayer, unit: int) -> np.ndarray:
    """Cuts out what a unit of a feature map sees.

    This is its theoretical receptive field, computed from the layers before it. Of a field that is
    longer than half the image the middle is taken, on which a unit depends most (Luo et al. 2016,
    arXiv 1701.04128); deep units could see the whole image. What would reach beyond the image is
    moved inside.

    Args:
        image: [s, s, 3].
        layer: that gives the map.
        unit: its place in the map, row by row.

    Returns:
        A copy, [h, w, 3].
    """
    spans = []
    place = divmod(unit, layer.maps.shape[2])
    for index, reach, length in zip(place, layer.field, image.shape[:2], strict=True):
        side = region_side(reach.size, length)
        start = reach.step * index + reach.first + (reach.size - side) // 2
        start = min(max(start, 0), length - side)
        spans.append(slice(start, start + side))
    return image[tuple(spans)].copy()


def region_side(field: int, length: int) -> int:
    """Returns how many pixels of a receptive field are cut out of an image, along an axis."""
    return min(field, max(int(_LARGEST * length), 1))


def _collect(
    seen: Iterable[Seen], numbers: Mapping[FeatureLayer, Sequence[int]], count: int
) -> dict[tuple[FeatureLayer, int], list[Region]]:
    """The regions of highest activation of each map."""
    best = {(layer, n): Largest(count) for layer, wanted in numbers.items() for n in wanted}
    for images, of_layers in seen:
        of_layer = dict(zip(numbers, of_layers, strict=True))
        for (layer, number), largest in best.items():
            highest, lowest, unit = (values[:, number] for values in of_layer[layer])
            for index in np.flatnonzero(highest > lowest):
                pixels = crop(images[index], layer, int(unit[index]))
                largest.offer(float(highest[index]), Region(pixels, float(highest[index])))
    return {key: largest.items() for key, largest in best.items()}
