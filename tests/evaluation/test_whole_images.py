"""Whole images in their own pixels: gaze, true maps, networks, tables; against NumPy and SciPy."""

import json

import evaluated_run
import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
import tensorflow_datasets as tfds
from map_files import write_maps
from watched_noise import WatchedNoise

from salclass_tf.data import cropping, sets
from salclass_tf.data.geometry import Geometry
from salclass_tf.detectors import build_detector
from salclass_tf.evaluation.methods import baselines, map_folders, method
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet
from salclass_tf.evaluation.tables import paper, scoring
from salclass_tf.evaluation.tables.paper import Settings
from salclass_tf.model.whole_images import WholeImages, WholeImagesOfServer

MAPS = frozenset({method.SALIENCY})


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """Four pictures of two sizes, whole."""
    builder = WatchedNoise(data_dir=str(tmp_path_factory.mktemp("data")))
    builder.download_and_prepare()
    return EvaluatedSet(sets.GazeSet("watched_noise", builder), "test", None)


def recorded(dataset):
    """Name, image and fixations of each example, as the set stores them."""
    for example in tfds.as_numpy(dataset.gaze_set.builder.as_dataset(split="test")):
        xy = np.c_[example["fixations"]["x"], example["fixations"]["y"]].astype(np.float64)
        yield example["image/id"].decode(), example["image"], xy


def true_map(xy, size, sigma=5.0):
    rows, columns = np.mgrid[: size[0], : size[1]]
    total = sum(np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2)) for x, y in xy)
    return total / total.max()


def test_nothing_is_left_out_or_resized(watched):
    batches = {batch["image_id"].numpy()[0].decode(): batch for batch in watched.batches()}
    sizes = set()
    for name, image, xy in recorded(watched):
        sizes.add(image.shape)
        np.testing.assert_array_equal(batches[name]["image"][0], image)
        expected = true_map(xy, image.shape[:2])
        np.testing.assert_allclose(batches[name]["saliency"][0, ..., 0], expected, atol=1e-5)
        found = watched.gaze[name]
        assert found.size == image.shape[:2] and found.outside == 0
        np.testing.assert_array_equal(found.xy, xy)
    assert len(sizes) == 2 and watched.sigma_in_view_px == 5


def test_maps_are_scored_in_the_size_of_each_image(watched, tmp_path):
    rng = np.random.default_rng(0)
    expected = {"nss": [], "cc": []}
    (tmp_path / "seen").mkdir()
    for name, image, xy in recorded(watched):
        saliency = rng.random(image.shape[:2])
        np.save(tmp_path / f"{name}.npy", saliency)
        at = tuple(np.floor(xy + 0.5).astype(int).T[::-1])
        expected["nss"].append(scipy.stats.zscore(saliency, axis=None)[at].mean())
        truth = true_map(xy, image.shape[:2])
        expected["cc"].append(scipy.stats.pearsonr(saliency.ravel(), truth.ravel())[0])
    [maps] = map_folders.from_folder(tmp_path)
    scores = scoring.score_method(maps, watched, MAPS, ("nss", "cc")).maps
    for name, values in expected.items():
        np.testing.assert_allclose(scores.values[name], values, atol=1e-5)
    assert scores.labels["view"] == "whole" and scores.outside == 0


def test_centre_bias_of_images_of_several_sizes(watched):
    truth = [(image.shape[:2], true_map(xy, image.shape[:2])) for _, image, xy in recorded(watched)]
    forward = baselines.centre_bias().load(watched)
    for index, batch in enumerate(watched.batches()):
        # Sizes alternate; of one size nothing is stretched, whatever is done with the other two.
        [alike] = [m for i, (s, m) in enumerate(truth) if i != index and s == truth[index][0]]
        others = [m for i, (s, m) in enumerate(truth) if s != truth[index][0]]
        stretched = [tf.image.resize(m[..., None], alike.shape)[..., 0] for m in others]
        expected = np.mean([alike, *stretched], axis=0)
        found = forward(batch)["saliency"]
        assert found.shape == (1, *alike.shape, 1)
        assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.99


def test_each_viewer_is_predicted_on_whole_images(watched):
    scores = baselines.score_each_viewer(watched, ("nss",), {})
    assert scores.outside == 0 and scores.missing("nss") == {"fewer than two viewers": ["seen/3"]}
    assert scores.fixations.sum() == 3 * 7  # of known viewers, none cut off


@pytest.fixture(scope="module")
def detector():
    keras.utils.set_random_seed(0)
    found = build_detector("vgg16", 40, 1 / 32)
    score = found.get_layer("saliency_score")
    score.kernel.assign(np.random.default_rng(0).normal(0, 1, score.kernel.shape))
    return found


def test_fully_convolutional_detectors_see_images_as_large_as_in_training(detector):
    """The whole of a square image is what a detector built for the short side sees."""
    larger = build_detector("vgg16", 46, 1 / 32)
    larger.set_weights(detector.get_weights())
    image = np.random.default_rng(0).integers(0, 256, (90, 90, 3), np.uint8)
    shown = tf.round(tf.image.resize(image, (46, 46), antialias=True))
    expected = tf.image.resize(larger(shown[None]), (90, 90))[0].numpy()
    of_whole = WholeImages(detector, Geometry(40, 46))
    found = of_whole(tf.constant(image)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())
    assert of_whole.shown == "own aspect, short side 46"
    assert of_whole.size_shown(300, 400) == (46, 61)
    assert of_whole.size_shown(4000, 40) == (4 * 46, 46)


def test_other_detectors_see_images_squeezed():
    detector = build_detector("junting", 40, 1 / 32)
    image = np.random.default_rng(0).integers(0, 256, (50, 90, 3), np.uint8)
    shown = tf.round(tf.image.resize(image, (40, 40), antialias=True))
    expected = tf.image.resize(detector(shown[None]), (50, 90))[0].numpy()
    of_whole = WholeImages(detector, Geometry(40, 46))
    np.testing.assert_allclose(of_whole(tf.constant(image)), expected, atol=1e-5)
    assert of_whole.shown == "squeezed to 40 x 40"


def test_a_server_that_crops_is_brought_to_see_all_of_an_image():
    geometry = Geometry(24, 31)

    def serve(image):
        views = [cropping.central_view(one, geometry) for one in image]
        return {"saliency": tf.reduce_mean(tf.cast(views, tf.float32), axis=-1, keepdims=True)}

    image = np.random.default_rng(0).integers(0, 256, (50, 90, 3), np.uint8)
    squeezed = tf.round(tf.image.resize(image, (24, 24), antialias=True))
    expected = tf.image.resize(tf.reduce_mean(squeezed, axis=-1, keepdims=True), (50, 90))
    found = WholeImagesOfServer(serve, geometry)(tf.constant(image))
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_one_table_has_one_view_and_classes_are_told_of_the_crop(tmp_path, tiny_data_dir):
    workdir = tmp_path / "run"
    evaluated_run.write_run(workdir, tiny_data_dir, ["joint"])
    maps = write_maps(tmp_path / "maps", tiny_data_dir)
    models = (str(workdir / "joint"), f"theirs={maps}")
    settings = Settings(models, output=tmp_path / "out", data_dir=tiny_data_dir)
    report = paper.run(settings)
    assert "(`--view=whole`)" in report
    tables = [json.loads((tmp_path / f"out/table{n}.json").read_text()) for n in (4, 5)]
    assert {row["labels"]["view"] for row in tables[0]["rows"]} == {"whole"}
    rows = {row["labels"]["method"]: row for row in tables[0]["rows"]}
    network = rows["SalClassNet (vgg16, vgg16)"]
    assert network["labels"]["shown to the network"] == "own aspect, short side 46"
    # True maps of the folder, and those that the network was scored against, are the same.
    assert rows["theirs"]["metrics"]["cc"]["mean"] == pytest.approx(1, abs=1e-6)
    assert {pair["second"] for pair in tables[0]["comparisons"]} >= {"theirs"}
    [classes] = tables[1]["rows"]
    assert classes["labels"]["view"] == "crop 40 of 46"
    reported = json.loads((workdir / "joint" / "metrics.json").read_text())["test"]
    assert classes["accuracies"]["accuracy"]["mean"] == pytest.approx(reported["accuracy"])
    assert paper.run(settings) == report  # kept parts know how the network was shown images
    with pytest.raises(ValueError, match="a view is one of whole, crop; got 'square'"):
        paper.run(Settings(models, output=tmp_path / "out", view="square"))
