"""The height in which SalClassNet's classifier reads the detector's map."""

import json
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from salclass_tf import config, layers
from salclass_tf.classifiers import build_classifier, rgbs
from salclass_tf.detectors import build_detector
from salclass_tf.model import SalClassNet
from salclass_tf.training import joining

SIZE = 40
RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (3, SIZE, SIZE, 3)).astype(np.uint8)
MAPS = RNG.normal(0.1, 0.4, (3, 6, 5, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def parts():
    """A detector whose maps are no constant, and a classifier that has read maps."""
    keras.utils.set_random_seed(0)
    detector = build_detector("vgg16", image_size=SIZE, width=1 / 32)
    score = detector.get_layer("saliency_score")
    score.kernel.assign(300 * score.kernel)
    classifier = build_classifier("vgg16", 3, image_size=SIZE, width=1 / 32, top="pool")
    normalisation = rgbs.map_normalization(classifier)
    normalisation.moving_mean.assign([0.2])
    normalisation.moving_variance.assign([0.04])
    return detector, classifier


def scaled(scale, maps):
    """In NumPy, image by image."""
    if scale == "peak":
        return np.stack([np.maximum(one, 0) / one.max() for one in maps])
    if scale == "standardise":
        return np.stack([0.2 + 0.2 * (one - one.mean()) / one.std() for one in maps])
    return maps


def test_names_are_the_same_where_flags_are_read_and_where_maps_are_scaled():
    assert config.MAP_SCALES == layers.MAP_SCALES


@pytest.mark.parametrize("scale", layers.MAP_SCALES)
def test_classifier_reads_the_scaled_map_and_the_answer_is_the_detectors_own(scale, parts):
    detector, classifier = parts
    out = SalClassNet(*parts, map_scale=scale)(IMAGE)
    maps = detector(IMAGE).numpy()
    assert maps.std() > 0.05
    np.testing.assert_array_equal(out["saliency"], maps)
    expected = classifier({"image": IMAGE, "saliency": scaled(scale, maps)})
    np.testing.assert_allclose(out["logits"], expected, atol=1e-5)


@pytest.mark.parametrize("scale", ["peak", "standardise"])
def test_gradient_is_that_of_the_scaled_map(scale):
    layer = layers.MapScale(scale, 0.2, 0.2)
    weights = RNG.normal(size=MAPS.shape).astype(np.float32)
    maps = tf.Variable(MAPS)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(layer(maps) * weights)
    found = tape.gradient(value, maps).numpy()
    places = [(0, 1, 2, 0), tuple(int(n) for n in np.unravel_index(MAPS.argmax(), MAPS.shape))]
    for place in places:  # the second one is a peak
        step = np.zeros(MAPS.shape)
        step[place] = 1e-5
        ends = (
            np.sum(scaled(scale, MAPS.astype(float) + sign * step) * weights) for sign in (1, -1)
        )
        up, down = ends
        assert found[place] == pytest.approx((up - down) / 2e-5, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("scale", ["peak", "standardise"])
@pytest.mark.parametrize("level", [0.0, -1.0, 1e-9])
def test_flat_map_is_finite_and_has_a_finite_gradient(scale, level):
    maps = tf.fill((2, 4, 4, 1), tf.constant(level))
    with tf.GradientTape() as tape:
        tape.watch(maps)
        out = layers.MapScale(scale)(maps)
    assert np.abs(out).max() < 1e-5 and np.isfinite(tape.gradient(out, maps)).all()


def test_scale_survives_saving_and_is_none_in_older_files(parts, tmp_path):
    made = SalClassNet(*parts, map_scale="standardise")
    made.save(tmp_path / "new.keras")
    loaded = keras.models.load_model(tmp_path / "new.keras", compile=False)
    np.testing.assert_array_equal(loaded(IMAGE)["logits"], made(IMAGE)["logits"])
    other = made.joined_alike(*parts)
    assert (other.map_scale.mean, other.map_scale.deviation) == pytest.approx((0.2, 0.2))
    with zipfile.ZipFile(tmp_path / "new.keras") as new:
        with zipfile.ZipFile(tmp_path / "old.keras", "w") as old:
            for name in new.namelist():
                content = new.read(name)
                if name == "config.json":
                    written = json.loads(content)
                    del written["config"]["map_scale"], written["config"]["map_statistics"]
                    content = json.dumps(written)
                old.writestr(name, content)
    older = keras.models.load_model(tmp_path / "old.keras", compile=False)
    assert older.map_scale.scale == "none"
    np.testing.assert_array_equal(older(IMAGE)["logits"], SalClassNet(*parts)(IMAGE)["logits"])


def test_normalisation_gets_the_statistics_of_the_maps_that_it_reads(parts):
    model = SalClassNet(*parts, map_scale="peak")
    layer = rgbs.map_normalization(model.classifier)
    before = layer.moving_mean.numpy(), layer.moving_variance.numpy()
    joining.fit_normalization(model, tf.data.Dataset.from_tensors({"image": IMAGE}))
    maps = scaled("peak", parts[0](IMAGE).numpy())
    assert layer.moving_mean.numpy()[0] == pytest.approx(maps.mean(), rel=1e-4)
    assert layer.moving_variance.numpy()[0] == pytest.approx(maps.var(), rel=1e-3)
    layer.moving_mean.assign(before[0]), layer.moving_variance.assign(before[1])


def test_unknown_scale_is_refused(parts):
    with pytest.raises(ValueError, match="none, peak, standardise; got 'unit'"):
        SalClassNet(*parts, map_scale="unit")
    with pytest.raises(ValueError, match="parts of stage joint.*--stage=saliency --map_scale=peak"):
        config.build_config().override("saliency", {"map_scale": "peak"}, {})
