"""A detector of square images as a network for images of any size and aspect.

A network whose layers look at neighbourhoods alone does not care how large an image is. What ties
ours to one size are the layers that enlarge maps, and priors over the place in the image, which
here follow the size of the image that comes.
"""

import keras

from salclass_tf import keras_internals, layers

# What these compute depends on a neighbourhood, or on the whole map whatever its size.
_OF_ANY_SIZE = (
    layers.CaffePreprocessing,
    layers.Density,
    layers.LocalResponseNormalization,
    layers.UnitRange,
    keras.layers.Activation,
    keras.layers.Add,
    keras.layers.AveragePooling2D,
    keras.layers.BatchNormalization,
    keras.layers.Concatenate,
    keras.layers.Conv2D,
    keras.layers.Conv2DTranspose,
    keras.layers.DepthwiseConv2D,
    keras.layers.Dropout,
    keras.layers.InputLayer,
    keras.layers.MaxPooling2D,
    keras.layers.ReLU,
    keras.layers.Rescaling,
    keras.layers.SeparableConv2D,
    keras.layers.ZeroPadding2D,
)
# These are built for one size, and can be built for any.
_BUILT_AGAIN = (
    layers.CentreBias,
    layers.GaussianBlur,
    layers.GaussianMaps,
    layers.LearnedPrior,
)


def is_fully_convolutional(detector: keras.Model) -> bool:
    """Whether nothing in a detector but enlarging and priors is tied to its images' size."""
    if keras_internals.graph_of(detector) is None:
        return False
    known = (*_OF_ANY_SIZE, *_BUILT_AGAIN, layers.BilinearUpsampling)
    return all(isinstance(layer, known) or _keeps_a_cell(layer) for layer in detector.layers)


def at_any_size(detector: keras.Model) -> keras.Model:
    """Returns a detector for images of any size, which shares the weights of another one.

    A pixel of the image is seen as before: at the size that the detector was made for, both give
    the same map. Maps between its layers grow with the image, and priors span it.

    Args:
        detector: image [b, s, s, 3] -> map [b, s, s, 1], fully convolutional.

    Returns:
        image [b, h, w, 3] -> map float32 [b, h, w, 1]; not to be saved.

    Raises:
        ValueError: if the detector is not fully convolutional.
    """
    if not is_fully_convolutional(detector):
        raise ValueError(
            f"{detector.name} is not fully convolutional: it takes images of "
            f"{detector.input_shape[1:3]} pixels alone; resize them"
        )
    sides = detector.input_shape[1:3]
    image = keras.Input((None, None, 3), dtype=detector.inputs[0].dtype, name="image")
    made: dict[str, keras.layers.Layer] = {}

    def remade(layer: keras.layers.Layer) -> keras.layers.Layer:
        if isinstance(layer, layers.BilinearUpsampling):
            shares = [size / side for size, side in zip(layer.size, sides, strict=True)]
            return layers.ProportionalUpsampling(shares, layer.align_corners, name=layer.name)
        if isinstance(layer, _BUILT_AGAIN):
            made[layer.name] = type(layer).from_config(layer.get_config())
            return made[layer.name]
        return layer

    def call(layer: keras.layers.Layer, *args, **kwargs):
        if isinstance(layer, layers.ProportionalUpsampling):
            return layer([*args, image])
        return layer(*args, **kwargs)

    resizable = keras.models.clone_model(detector, image, clone_function=remade, call_function=call)
    for name, layer in made.items():
        layer.set_weights(detector.get_layer(name).get_weights())
    return resizable


def _keeps_a_cell(layer: keras.layers.Layer) -> bool:
    """Whether it is a mean over a map that stays a map, of one cell."""
    return isinstance(layer, keras.layers.GlobalAveragePooling2D) and layer.keepdims
