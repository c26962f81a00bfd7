"""What the benchmark of the input pipeline compares must do the same work."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from benchmarks import plain_views, torch_views
from salclass_tf import heatmaps
from salclass_tf.data import pipeline
from salclass_tf.data.geometry import Geometry

SIDE, SIGMA = 128, 10.0
WHOLE = Geometry(64, 64)  # of a square picture a crop is all of it, mirrored or not
POINTS = np.float32([[20, 30], [20, 30], [90, 100], [127.9, 0]])


@pytest.fixture(scope="module")
def encoded():
    """A smooth picture without symmetry."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    pixels = np.stack([rows, columns, (rows + 2 * columns) // 3], axis=-1).astype(np.uint8) * 1.9
    stream = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(stream, "JPEG", quality=95)
    return stream.getvalue()


@pytest.fixture(scope="module")
def source(encoded):
    x, y = POINTS.T
    example = {"image": encoded, "image/id": "a", "fixations": {"x": x, "y": y}}
    return tf.data.Dataset.from_tensors(example)


@pytest.fixture(scope="module")
def expected(source):
    """Image and map of the package."""
    options = {"geometry": WHOLE, "sigma_px": SIGMA, "batch_size": 1, "seed": 0, "epoch": 0}
    batches = pipeline.training_batches(source, crops=1, mirror="none", **options)
    batch = next(batches.as_numpy_iterator())
    return batch["image"][0].astype(float), batch["saliency"][0, ..., 0]


def assert_same(image, saliency, expected):
    """Up to a mirror image and half a pixel, about which the plain ways do not care."""
    theirs, heat = image.astype(float), saliency
    if (
        theirs[:, :20, 1].mean() > theirs[:, -20:, 1].mean()
    ):  # the second channel grows to the right
        theirs, heat = theirs[:, ::-1], heat[:, ::-1]
    assert np.abs(theirs - expected[0]).mean() < 2
    assert np.corrcoef(heat.ravel(), expected[1].ravel())[0, 1] > 0.99
    assert heat.max() == pytest.approx(1) and heat.min() >= 0


@pytest.mark.parametrize("render", [heatmaps.render, plain_views.blur])
def test_plain_tensorflow_makes_the_same_views(source, expected, render):
    batches = plain_views.batches(source, WHOLE, SIGMA, render, batch_size=5)
    found = list(batches.as_numpy_iterator())
    assert len(found) == 2  # ten views
    for batch in found:
        for image, saliency in zip(batch["image"], batch["saliency"], strict=True):
            assert_same(image, saliency[..., 0], expected)


def test_the_views_for_pytorch_are_the_same(tmp_path, encoded, expected):
    picture = tmp_path / "a.jpg"
    picture.write_bytes(encoded)
    torch_views.save(tmp_path / "views.npz", [str(picture)] * 2, [POINTS[:1], POINTS])
    paths, xy = torch_views.load(tmp_path / "views.npz")
    np.testing.assert_array_equal(xy[1], POINTS)
    views = torch_views.Views(paths, xy, SIGMA, short_side=64, image_size=64)
    assert len(views) == 20
    mirrored = set()
    for index in range(10, 20):
        image, saliency = views[index]
        assert (image.shape, image.dtype) == ((3, 64, 64), np.uint8)
        assert (saliency.shape, saliency.dtype) == ((1, 64, 64), np.float32)
        assert_same(image.transpose(1, 2, 0), saliency[0], expected)
        mirrored.add(bool(image[1, :, :20].mean() > image[1, :, -20:].mean()))
    assert mirrored == {True, False}


def test_the_views_for_pytorch_are_cut_at_random(tmp_path, encoded):
    (tmp_path / "a.jpg").write_bytes(encoded)
    views = torch_views.Views([str(tmp_path / "a.jpg")], [POINTS], SIGMA, 64, 40)
    found = [views[index] for index in range(10)]
    assert len({image.tobytes() for image, _ in found}) > 5
    for image, saliency in found:
        assert image.shape == (3, 40, 40) and saliency.shape == (1, 40, 40)
