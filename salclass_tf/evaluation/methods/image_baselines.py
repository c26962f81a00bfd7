"""Baselines that look at the image alone, or at nothing but its size."""

from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf

from salclass_tf.evaluation.baselines import gaussian as middle
from salclass_tf.evaluation.baselines import spectral_residual as spectrum
from salclass_tf.evaluation.methods import crops
from salclass_tf.evaluation.methods.evaluated_sets import Batch, EvaluatedSet
from salclass_tf.evaluation.methods.method import SALIENCY, Answers, Forward, Method


def uniform() -> Method:
    """Returns the map that is the same everywhere: what chance reaches."""
    return Method(
        "uniform",
        "",
        "uniform",
        load=_by_size(np.ones),
        extras=("size",),
        undefined=dict.fromkeys(("nss", "nss_mit", "cc"), "constant map"),
    )


def gaussian() -> Method:
    """Returns a Gaussian in the middle of every image."""
    sigmas = f"{middle.SIGMA_WIDTH:.3f} of the width, {middle.SIGMA_HEIGHT:.3f} of the height"
    name = f"Gaussian (sigma {sigmas})"
    return Method(name, "", "gaussian", load=_by_size(middle.centred_gaussian), extras=("size",))


def spectral_residual() -> Method:
    """Returns Hou and Zhang's spectral residual."""
    version = spectrum.opencv().__version__

    def load(dataset: EvaluatedSet) -> Forward:
        def answer(batch: Batch) -> Answers:
            images = (tf.io.decode_image(text, 3).numpy() for text in batch["encoded"].numpy())
            return _in_view(map(spectrum.spectral_residual, images), dataset)

        return answer

    return Method(
        f"spectral residual (OpenCV {version})",
        "",
        f"residual {version}",
        load=load,
        extras=("encoded",),
    )


def _by_size(function: Callable[[tuple[int, int]], np.ndarray]) -> Callable[..., Forward]:
    """The `load` of a map that depends on the size of an image alone."""

    def load(dataset: EvaluatedSet) -> Forward:
        def answer(batch: Batch) -> Answers:
            sizes = (tuple(map(int, size)) for size in batch["size"].numpy())
            return _in_view(map(function, sizes), dataset)

        return answer

    return load


def _in_view(maps: Iterable[np.ndarray], dataset: EvaluatedSet) -> Answers:
    """Maps of whole images, [h, w], brought to what of the images is scored."""
    whole = [tf.constant(values[..., None], tf.float32) for values in maps]
    if dataset.geometry is not None:
        whole = [crops.central_map(one, one.shape[:2], dataset.geometry) for one in whole]
    return {SALIENCY: tf.stack(whole).numpy()}
