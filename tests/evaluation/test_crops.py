"""Crops of maps and of gaze by viewer, against the pictures' own pipeline and float64 NumPy."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from watched_noise import WatchedNoise

from salclass_tf import metrics
from salclass_tf.data import cropping, pipeline, sets
from salclass_tf.data.geometry import Geometry
from salclass_tf.evaluation.methods import baselines, crops, evaluated_sets
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet

GEOMETRY = Geometry(24, 30)


@pytest.mark.parametrize("size", [(44, 52), (52, 44), (101, 67), (31, 30), (20, 90)])
def test_map_is_cut_where_the_image_is_cut(size):
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (*size, 1)).astype(np.uint8)
    image = cropping.central_view(tf.constant(np.repeat(grey, 3, -1)), GEOMETRY).numpy()
    found = crops.central_map(tf.constant(grey, tf.float32), tf.constant(size), GEOMETRY).numpy()
    # Pictures are rounded to bytes, maps are not.
    assert np.abs(found - image[..., :1]).max() <= 0.5 + 1e-3
    if min(size) != GEOMETRY.short_side:
        assert (found != image[..., :1]).any()


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """That set on small crops."""
    folder = str(tmp_path_factory.mktemp("data"))
    builder = WatchedNoise(data_dir=folder)
    builder.download_and_prepare()
    return EvaluatedSet(sets.GazeSet("watched_noise", builder), "test", GEOMETRY)


def moved(example):
    """Fixations on the resized image, its size, and where the crop begins."""
    size = np.array(example["image"].shape[:2])
    resized = (size * 30 + size.min() // 2) // size.min()
    xy = np.c_[example["fixations"]["x"], example["fixations"]["y"]].astype(np.float64)
    return (xy + 0.5) * (resized / size)[::-1] - 0.5, resized, (resized - 24) // 2, 30 / size.min()


def rendered(xy, size, origin, sigma):
    rows, columns = np.mgrid[: size[0], : size[1]]
    total = sum(np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2)) for x, y in xy)
    return (total / total.max())[origin[0] : origin[0] + 24, origin[1] : origin[1] + 24]


def test_gaze_is_that_of_the_crop(watched):
    for example in tfds.as_numpy(watched.gaze_set.builder.as_dataset(split="test")):
        xy, size, origin, _ = moved(example)
        pixels = np.clip(np.rint(xy), 0, size[::-1] - 1) - origin[::-1]
        inside = pixels[((pixels >= 0) & (pixels < 24)).all(1)]
        recorded = watched.gaze[example["image/id"].decode()]
        assert sorted(recorded.xy.tolist()) == sorted(inside.tolist())
        assert recorded.size == (24, 24)
    assert watched.sigma_in_view_px == pytest.approx(5 * np.mean([30 / 50, 30 / 44] * 2))


def test_each_viewer_is_predicted_from_all_others(watched):
    scores = baselines.score_each_viewer(watched, ("nss", "cc"), {"method": "people"})
    assert scores.missing("nss") == {"fewer than two viewers": ["seen/3"]}
    for example in tfds.as_numpy(watched.gaze_set.builder.as_dataset(split="test")):
        name = example["image/id"].decode()
        if name == "seen/3":
            continue
        xy, size, origin, scale = moved(example)
        viewer, found = example["fixations"]["viewer"], {"nss": [], "cc": []}
        for one in range(4):
            theirs = rendered(xy[(viewer != one) & (viewer >= 0)], size, origin, 5 * scale)
            own = rendered(xy[viewer == one], size, origin, 5 * scale)
            pixels = np.rint(xy[viewer == one]) - origin[::-1]
            inside = pixels[((pixels >= 0) & (pixels < 24)).all(1)]
            if len(inside):
                found["nss"].append(metrics.nss(theirs, inside))
                found["cc"].append(metrics.cc(theirs, own))
        for measure, values in found.items():
            expected = pytest.approx(np.mean(values), abs=1e-4)
            assert scores.per_image(measure)[name] == expected, (name, measure)


def test_centre_bias_leaves_the_image_itself_out(watched):
    (batch,) = watched.batches()
    maps = batch["saliency"].numpy().astype(np.float64)
    found = baselines.centre_bias().load(watched)(batch)["saliency"]
    for index in range(4):
        others = [maps[other] for other in range(4) if other != index]
        np.testing.assert_allclose(found[index], np.mean(others, axis=0), atol=1e-6)


def test_names_are_compared_without_versions():
    names = ("osie/1.0.0", "osie", "osie:1.0.0", "gaze_critters/task/1.0.0", "gaze_critters/task")
    found = [evaluated_sets.without_version(name) for name in names]
    assert found == ["osie"] * 3 + ["gaze_critters/task"] * 2


def test_shipped_maps_have_peak_1_as_in_training(tiny_data_dir):
    """A classifier that learned from maps of peak 1 must not be tested on maps of peak 255."""
    maps = sets.open_set("dotted_maps", tiny_data_dir)
    dataset = evaluated_sets.EvaluatedSet(maps, "test", Geometry(44, 44))
    [batch] = dataset.batches()
    assert batch["saliency"].shape == (6, 44, 44, 1) and "fixation_counts" not in batch
    source = pipeline.open_split(maps.builder, "train")
    trained = pipeline.training_batches(
        source,
        geometry=Geometry(44, 44),
        sigma_px=0.0,
        batch_size=4,
        seed=0,
        epoch=0,
        crops=1,
        mirror="none",
    )
    for values in (batch["saliency"], next(iter(trained))["saliency"]):
        peaks = values.numpy().max(axis=(1, 2, 3))
        assert peaks.max() == pytest.approx(1, abs=1e-6) and values.numpy().min() >= 0
    [own] = dataset.batches(None, "size")
    np.testing.assert_array_equal(own["saliency"], batch["saliency"])
    np.testing.assert_array_equal(own["size"], [[44, 52]] * 6)
