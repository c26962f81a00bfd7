"""From the last features of a classifier to one vector: their mean, or weighted by the map."""

import math

import keras

from salclass_tf import layers

#: what `build_classifier` takes as `pooling`
POOLINGS = ("mean", "gaze", "both")

_MEANS = (keras.layers.GlobalAveragePooling2D, layers.GazePooling)


def check(pooling: str) -> None:
    """Raises a ValueError for a pooling that is not there."""
    if pooling not in POOLINGS:
        raise ValueError(f"pooling is one of {', '.join(POOLINGS)}; got {pooling!r}")


def pool(
    mean: keras.layers.Layer,
    features: keras.KerasTensor,
    inputs: keras.KerasTensor | dict[str, keras.KerasTensor],
    pooling: str,
) -> keras.KerasTensor:
    """Pools the last features of a classifier.

    Args:
        mean: the network's own layer, a `GlobalAveragePooling2D` that has not been called.
        features: [b, h, w, c].
        inputs: of the classifier; without a map among them the plain mean is all that there is.
        pooling: "mean" is the plain mean over cells; "gaze" weights it by the map, see
            `layers.GazePooling`; "both" has the two side by side.

    Returns:
        Vectors [b, c], of "both" [b, 2 c]; with a grid of one cell where the network's layer
        leaves one.

    Raises:
        ValueError: for another `pooling`.
    """
    check(pooling)
    if pooling == "mean" or not isinstance(inputs, dict):
        return mean(features)
    by_gaze = layers.GazePooling(mean.keepdims, name=f"{mean.name}_by_gaze")
    weighted = by_gaze([features, inputs["saliency"]])
    if pooling == "gaze":
        return weighted
    return keras.layers.Concatenate(name=f"{mean.name}_both")([mean(features), weighted])


def last_features(classifier: keras.Model) -> keras.KerasTensor:
    """Returns the last map of features of a classifier, what its answer is pooled from.

    Args:
        classifier: functional, image (and map) -> logits.

    Returns:
        [b, h, w, c], symbolic in the classifier's inputs, of more than one cell: what the last mean
        over cells reads, or the layer that flattens the cells where there is no mean.

    Raises:
        ValueError: if it has one cell, or there is none; features further inside are those of other
            layers.
    """
    found = map(_pooled_by, reversed(classifier.layers))
    features = next((one for one in found if one is not None), None)
    cells = () if features is None else features.shape[1:3]
    is_input = any(features is one for one in classifier.inputs)
    if is_input or None in cells or math.prod(cells) == 1:  # the product of none is 1 too
        raise ValueError(
            f"{classifier.name} pools no map of features of more than one cell at this image size, "
            "which attention could be read from: take larger images, or another classifier"
        )
    return features


def _pooled_by(layer: keras.Layer) -> keras.KerasTensor | None:
    """The map that a layer makes a vector of; None of another layer."""
    flattens = isinstance(layer, keras.layers.Flatten)
    if not flattens and not isinstance(layer, _MEANS):
        return None
    features = layer.input[0] if isinstance(layer.input, list) else layer.input
    # A mean that keeps its dimensions is flattened later: the mean is what reads the map.
    is_map = len(features.shape) == 4 and not (flattens and features.shape[1:3] == (1, 1))
    return features if is_map else None
