"""Pairs that cannot work are refused with the reason and what works, before anything is trained."""

import dataclasses

import commands
import keras
import numpy as np
import pytest
import tensorflow as tf

from salclass_tf import classifiers, config, pair, training
from salclass_tf.classifiers import build_classifier, rebuilding
from salclass_tf.detectors import build_detector, list_detectors, output_of
from salclass_tf.model import SalClassNet

SIZE = 32


def detector(size=SIZE):
    return build_detector("vgg16", image_size=size, width=1 / 64)


def classifier(size=SIZE):
    return build_classifier("vgg16", 3, image_size=size, width=1 / 64, top="pool")


def classifier_of(body):
    """A classifier that makes its logits of image and map by `body`."""
    image = keras.Input((SIZE, SIZE, 3), name="image")
    saliency = keras.Input((SIZE, SIZE, 1), name="saliency")
    logits = keras.layers.Dense(3)(body(image, saliency))
    return keras.Model({"image": image, "saliency": saliency}, logits, name="own_classifier")


def dense(image, saliency):
    return keras.layers.Flatten()(keras.layers.Concatenate()([image, saliency]))


def colours_alone(image, saliency):
    seen = keras.layers.Conv2D(2, 3, name="colours")(image)
    return keras.layers.Concatenate()([keras.layers.Flatten()(x) for x in (seen, saliency)])


def nested(image, saliency):
    stack = keras.Input((SIZE, SIZE, 4))
    inner = keras.Model(stack, keras.layers.Conv2D(2, 3, name="inner")(stack))
    return keras.layers.Flatten()(inner(keras.layers.Concatenate()([image, saliency])))


@pytest.mark.parametrize(
    ("name", "other"),
    [*((name, "vgg16") for name in list_detectors()), ("vgg19", "mobilenet_v3_small")],
)
def test_every_detector_learns_with_a_classifier(name, other):
    """A few steps on one batch lower what they are taken for."""
    keras.utils.set_random_seed(1)
    size, rng = 65, np.random.default_rng(0)
    small = build_classifier(other, 3, image_size=size, width=1 / 8)
    model = SalClassNet(
        build_detector(name, image_size=size, width=0.05), small, output=output_of(name)
    )
    model.compile(keras.optimizers.Adam(1e-4))
    batch = {
        "image": tf.constant(rng.integers(0, 256, (4, size, size, 3)), tf.uint8),
        "saliency": tf.constant(rng.random((4, size, size, 1)) ** 4, tf.float32),
        "label": tf.constant([0, 1, 2, 1]),
    }
    losses = [float(model.train_step(batch)["step_loss"]) for _ in range(4)]
    assert np.isfinite(losses).all() and min(losses[1:]) < losses[0]


@pytest.mark.parametrize(
    ("body", "found"), [(dense, "got none"), (colours_alone, "got colours, which reads 3")]
)
def test_classifier_file_without_a_convolution_of_four_channels_is_refused(body, found, tmp_path):
    classifier_of(body).save(tmp_path / "own.keras")
    loaded = keras.models.load_model(tmp_path / "own.keras")
    message = f"own_classifier has no convolution that could read the map.*{found}"
    with pytest.raises(ValueError, match=message):
        SalClassNet(detector(), loaded)
    with pytest.raises(ValueError, match="has no layer of vgg16_classifier"):
        build_classifier("vgg16", 3, image_size=SIZE, width=1 / 64, weights=tmp_path / "own.keras")


def test_convolution_inside_a_model_of_the_classifier_counts():
    model = SalClassNet(detector(), classifier_of(nested))
    assert model(np.zeros((1, SIZE, SIZE, 3)))["logits"].shape == (1, 3)


def test_network_of_keras_without_a_convolution_cannot_be_widened():
    image = keras.Input((4, 4, 3))
    network = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(image)), name="mixer")
    with pytest.raises(ValueError, match="mixer has no convolution that could read the map"):
        rebuilding.Rebuilding(network, 3)


def test_detector_of_another_size_is_refused_with_both_sizes():
    for sizes in ((SIZE, 48), (48, SIZE)):
        parts = detector(sizes[0]), classifier(sizes[1])
        message = (
            f"one size; vgg16_detector takes {sizes[0]} x {sizes[0]} pixels, vgg16_classifier "
            f"takes {sizes[1]} x {sizes[1]} pixels: build .* image_size, {sizes[0]} or {sizes[1]}"
        )
        with pytest.raises(ValueError, match=message):
            SalClassNet(*parts)


def test_detector_of_any_size_goes_with_a_classifier_of_one():
    image = keras.Input((None, None, 3), name="image")
    free = keras.Model(image, keras.layers.Conv2D(1, 3, padding="same")(image))
    model = SalClassNet(free, classifier())
    assert model(np.zeros((1, SIZE, SIZE, 3)))["saliency"].shape == (1, SIZE, SIZE, 1)


@pytest.mark.parametrize(("filters", "strides"), [(1, 2), (2, 1)])
def test_detector_whose_map_is_no_map_of_the_image_is_refused(filters, strides):
    image = keras.Input((SIZE, SIZE, 3), name="image")
    output = keras.layers.Conv2D(filters, 3, strides, padding="same")(image)
    coarse = keras.Model(image, output, name="coarse")
    shape = rf"\({SIZE // strides}, {SIZE // strides}, {filters}\)"
    with pytest.raises(ValueError, match=f"as large as its image.*coarse gives {shape}"):
        pair.check(coarse, classifier())


def run(tmp_path, stage="joint", **changes):
    """Asks for a stage of a run whose data cannot be had: what is refused is refused without."""
    stages = dict.fromkeys(config.STAGES, config.Stage("saldogs"))
    settings = config.Config(
        preset="demo", stages=stages, detector="vgg16", classifier="vgg16", width=1 / 64,
        image_size=SIZE, short_side=36, precision="float32",
    )  # fmt: skip
    changed = dataclasses.replace(settings, **changes)
    try:
        training.run(changed, stage, tmp_path / "run", str(tmp_path / "data"))
    finally:
        assert not (tmp_path / "run").exists() and not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"detector": "deep_gaze", "image_size": 22}, "at least 23 pixels for detector deep_gaze"),
        ({"classifier": "xception"}, "at least 71 pixels for classifier xception; got 32"),
    ],
)
def test_images_too_small_for_a_later_stage_are_refused_before_the_first(
    changes, message, tmp_path
):
    with pytest.raises(ValueError, match=message):
        run(tmp_path, **changes)


def test_crops_too_small_for_one_stage_alone_are_refused(tmp_path):
    stages = dict.fromkeys(config.STAGES, config.Stage("saldogs"))
    stages["classifier_pretrain"] = config.Stage("saldogs", geometry=(20, 24))
    with pytest.raises(ValueError, match="at least 32 pixels for classifier vgg16; got 20"):
        run(tmp_path, stages=stages)


@pytest.mark.parametrize("stage", ["saliency_pretrain", "saliency", "classifier", "joint"])
def test_stages_that_share_a_network_share_its_size(stage, tmp_path):
    stages = dict.fromkeys(config.STAGES, config.Stage("saldogs"))
    stages[stage] = config.Stage("saldogs", geometry=(48, 54))
    with pytest.raises(ValueError, match=f"stage {stage} .*32 x 32.* crops of 48: .*image_size=48"):
        run(tmp_path, stages=stages)


def test_builder_without_a_convolution_is_refused_before_the_first_stage(tmp_path, monkeypatch):
    monkeypatch.setitem(classifiers._BUILDERS, "mixer", lambda **_: classifier_of(dense))
    with pytest.raises(ValueError, match="own_classifier has no convolution that could read"):
        run(tmp_path, classifier="mixer", classifier_options={})


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--image_size=24",), "at least 32 pixels for detector vgg19; got 24"),
        (("--classifier=xception", "--image_size=64"), "at least 71 pixels for classifier xcep"),
    ],
)
def test_command_line_says_the_same_in_one_line(flags, message, tmp_path):
    places = (f"--workdir={tmp_path}/run", f"--data_dir={tmp_path}/data")
    done = commands.run("train.py", *flags, *places)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert message in done.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []
