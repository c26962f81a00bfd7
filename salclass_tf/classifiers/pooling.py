"""From the last features of a classifier to one vector: their mean, or weighted by the map."""

import keras

from salclass_tf import layers

#: what `build_classifier` takes as `pooling`
POOLINGS = ("mean", "gaze", "both")


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
        [b, h, w, c], symbolic in the classifier's inputs, of more than one cell.

    Raises:
        ValueError: if there is none.
    """
    for layer in reversed(classifier.layers):
        shape = getattr(layer.output, "shape", ())
        if len(shape) == 4 and shape[1] * shape[2] > 1 and not _is_input(layer):
            return layer.output
    raise ValueError(
        f"{classifier.name} has no map of features of more than one cell at this image size, which "
        "attention could be read from: take larger images, or another classifier"
    )


def _is_input(layer: keras.Layer) -> bool:
    """Whether a layer is the image or the map itself."""
    return isinstance(layer, keras.layers.InputLayer)
