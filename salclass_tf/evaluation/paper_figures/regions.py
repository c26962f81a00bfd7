"""The picture of Table 7: regions that activate feature maps of a classifier most."""

import pathlib

from salclass_tf import figures
from salclass_tf.evaluation.activations import regions
from salclass_tf.evaluation.activations.choice import Channel
from salclass_tf.evaluation.activations.regions import FeatureMap
from salclass_tf.evaluation.methods import find, runs
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet
from salclass_tf.evaluation.methods.method import LOGITS, Method
from salclass_tf.evaluation.paper_figures import file_names
from salclass_tf.evaluation.paper_figures.settings import Settings


def draw(settings: Settings) -> list[pathlib.Path]:
    """Draws the regions of each model, all sets side by side; returns the files.

    Of a run it is the last finished stage that classifies.

    Raises:
        ValueError: for a model without a Keras network that classifies, and see
            `regions.strongest`.
    """
    channels = [_channel(text) for text in settings.channels]
    paths = []
    for text in settings.models:
        label, path = find.split(text)
        path = runs.classifying(path) if runs.is_run(path) else path
        opened = settings.open((f"{label}={path}" if label else str(path),))
        [method] = opened.methods
        if method.network is None or LOGITS not in method.gives:
            raise ValueError(
                f"{path} is no Keras network that classifies, whose feature maps could be shown; "
                "name a run, a stage of classification or joint training, or a .keras file"
            )
        sets = [opened.crops(one, method.geometry) for one in opened.sets]
        maps = regions.strongest(method, sets, settings.images, settings.layers, channels)
        paths += _draw(settings, method, sets, maps)
    return paths


def _draw(
    settings: Settings, method: Method, sets: list[EvaluatedSet], maps: list[FeatureMap]
) -> list[pathlib.Path]:
    """The picture of one model."""
    rows = [_row(one, method.geometry.image_size) for one in maps]
    sizes = [dataset.gaze_set.size(dataset.split) for dataset in sets]
    heads = [f"{one.title}, {size} images" for one, size in zip(sets, sizes, strict=True)]
    title = (
        f"{method.name}: where feature maps are most active, at most one region of an image\n"
        "what the most active unit sees, of large fields the middle; numbers: its activation"
    )
    names = " ".join(f"{dataset.name} {dataset.split}" for dataset in sets)
    path = settings.output / file_names.slug(f"fig7 {method.name} {names}")
    return figures.region_grid(rows, heads, settings.images, title, path)


def _row(one: FeatureMap, side: int) -> figures.RegionRow:
    """A feature map as it is drawn."""
    highest = max((found[0].activation for found in one.regions if found), default=0)
    decimals = 2 if highest < 10 else 1 if highest < 100 else 0
    groups = tuple(
        tuple((region.pixels, f"{region.activation:.{decimals}f}") for region in found)
        for found in one.regions
    )
    return figures.RegionRow(_facts(one, side), f"channel {one.channel}", groups)


def _facts(one: FeatureMap, side: int) -> str:
    """A layer's name, how much of the image its units see, and how much of that is shown."""
    sizes = [reach.size for reach in one.layer.field]
    shown = [regions.region_side(size, side) for size in sizes]
    lines = [one.layer.name, f"sees {_extent(sizes)}"]
    return "\n".join(lines if shown == sizes else [*lines, f"shown {_extent(shown)}"])


def _extent(sizes: list[int]) -> str:
    """Height and width in pixels, once where they are equal."""
    return f"{' x '.join(map(str, dict.fromkeys(sizes)))} px"


def _channel(text: str) -> Channel:
    """A channel as a user writes it: 5, or mixed7:5."""
    layer, _, number = text.strip().rpartition(":")
    if not number.isdecimal():
        raise ValueError(f"channels are numbers, 5, or numbers of a layer, mixed7:5; got {text!r}")
    return Channel(layer or None, int(number))
