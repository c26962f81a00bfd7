"""The network in 8-bit integers: near the one in float32, and what is told of the difference."""

import dataclasses
import json

import dotted_sets
import finished_stages
import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from salclass_tf import layers, serving
from salclass_tf.data.geometry import Geometry
from salclass_tf.serving import calibration, formats, frozen, int8, warmup

SETTINGS = {"formats": ("saved_model", "tflite")}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A folder with a finished joint stage of seven classes."""
    workdir = tmp_path_factory.mktemp("run")
    finished_stages.write_stage(workdir, "joint")
    return workdir


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of eight pictures and a text."""
    folder = tmp_path_factory.mktemp("photos")
    for number, picture in enumerate(pictures(8)):
        Image.fromarray(picture).save(folder / f"{number}.png")
    (folder / "notes.txt").write_text("no image")
    return folder


def pictures(count):
    """Soft pictures that differ, uint8 [count, 46, 60, 3]."""
    soft = warmup.pictures(1, 46, 60)[0]
    return [np.roll(soft, (5 * number, 7 * number), (0, 1)) for number in range(count)]


def test_enlarged_maps_keep_their_values(tmp_path):
    """LiteRT's product with a constant on the left was zero everywhere."""
    image = keras.Input((8, 8, 3))
    coarse = keras.layers.AveragePooling2D(2)(image / 255)[..., :1]
    saliency = layers.BilinearUpsampling((12, 10))(coarse)
    forward = frozen.freeze(keras.Model(image, saliency), 8)
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), np.uint8)
    run = formats.write_int8(forward, tmp_path, images)
    pooled = images[..., 0].reshape(20, 4, 2, 4, 2).mean((2, 4)) / 255
    rows, columns = (
        np.maximum(0, 1 - abs(np.linspace(0, 3, n)[:, None] - np.arange(4))) for n in (12, 10)
    )
    expected = rows @ pooled @ columns.T
    found = run(images)["saliency"][..., 0]
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_a_network_without_an_8_bit_form_is_to_be_exported_without_calibration(tmp_path):
    image = keras.Input((8, 8, 3))
    unknown = keras.layers.Lambda(lambda x: tf.math.bessel_i0e(x[..., :1]))(image / 255)
    forward = frozen.freeze(keras.Model(image, unknown), 8)
    images = warmup.pictures(2, 8, 8)
    with pytest.raises(ValueError, match="that 8-bit TFLite lacks .*; leave --calibrate out$"):
        formats.write_int8(forward, tmp_path, images)


def test_maps_that_8_bits_make_constant_are_refused(tmp_path):
    """Dark pictures, the cube of whose brightness is far below a step of 1/255."""
    image = keras.Input((8, 8, 3))
    brightness = image[..., :1] / 255
    forward = frozen.freeze(keras.Model(image, brightness * brightness * brightness), 8)
    formats.write("tflite", forward, tmp_path)
    light = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), np.uint8)
    dark = {"image": tf.constant(light[:4] // 16)}
    pictures = calibration.Pictures("noise", [{"image": tf.constant(light)}], [dark], True)
    with pytest.raises(ValueError, match="maps of this network are constant.*leave --calibrate"):
        int8.write(forward, tmp_path, pictures)
    black = dataclasses.replace(pictures, judged=[{"image": tf.zeros((4, 8, 8, 3), tf.uint8)}])
    told = int8.write(forward, tmp_path, black)  # constant in float32, too
    assert told["calibrated_on"] == 20


def test_folder_of_images_calibrates_and_compares(run, photos, tmp_path):
    settings = serving.Settings(**SETTINGS, calibrate=str(photos))
    names = run / "names.txt"
    version = serving.export(run, "joint", tmp_path / "gaze", settings, class_names=names)
    told = json.loads((version / "model_card.json").read_text())["export"]["int8"]
    assert told["calibrated_on"] == 4
    scores = told["int8_beside_float32"]
    images = calibration.find(str(photos), Geometry(40, 46), (), True).judged[0]["image"].numpy()
    exact, rounded = (
        tf.lite.Interpreter(str(version / name)).get_signature_runner()(image=images)
        for name in ("model.tflite", "model_int8.tflite")
    )
    maps = zip(exact["saliency"], rounded["saliency"], strict=True)
    expected = [np.corrcoef(one.ravel(), other.ravel())[0, 1] for one, other in maps]
    assert scores["cc"] == pytest.approx(np.mean(expected), abs=1e-5)
    assert scores["cc"] > 0.9
    same = exact["probabilities"].argmax(-1) == rounded["probabilities"].argmax(-1)
    assert scores["accuracy"] == pytest.approx(same.mean())
    assert (version / "model_int8.tflite").stat().st_size < (
        version / "model.tflite"
    ).stat().st_size / 2


def test_data_set_calibrates_and_scores_both_networks(run, tmp_path):
    dotted_sets.DottedNoise(data_dir=tmp_path).download_and_prepare()
    settings = serving.Settings(**SETTINGS, calibrate="dotted_noise")
    version = serving.export(
        run, "joint", tmp_path / "gaze", settings, str(tmp_path), run / "names.txt"
    )
    told = json.loads((version / "model_card.json").read_text())["export"]["int8"]
    assert told["calibrated_on"] == 12
    found = calibration.find("dotted_noise", Geometry(40, 46), (), True, str(tmp_path))
    [batch] = found.judged
    for name, file in (("float32", "model.tflite"), ("int8", "model_int8.tflite")):
        runner = tf.lite.Interpreter(str(version / file)).get_signature_runner()
        maps = runner(image=batch["image"].numpy())["saliency"]
        cc = [
            np.corrcoef(one.ravel(), other.ravel())[0, 1]
            for one, other in zip(maps, batch["saliency"].numpy(), strict=True)
        ]
        assert told[name]["cc"] == pytest.approx(np.mean(cc), abs=1e-5)
        assert told[name]["images"] == 6 and "nss" in told[name]
        assert "accuracy" not in told[name]  # the set tells other classes apart


def test_classifier_of_other_classes_is_not_judged_by_a_set(tmp_path):
    dotted_sets.DottedNoise(data_dir=tmp_path).download_and_prepare()
    with pytest.raises(ValueError, match="different classes"):
        calibration.find("dotted_noise", Geometry(40, 46), ("a", "b"), False, str(tmp_path))


def test_set_without_gaze_calibrates_and_judges_a_classifier(tmp_path):
    dotted_sets.DottedUnseen(config="both", data_dir=tmp_path).download_and_prepare()
    place = ("dotted_unseen/both", Geometry(40, 46), ("red", "green", "blue"))
    found = calibration.find(*place, makes_maps=False, data_dir=str(tmp_path))
    assert [len(batch["image"]) for batch in found.calibrating] == [8, 4]

    def knows(hue):
        def run(images):
            guess = hue(images.astype(np.float32).mean((1, 2)))
            return {"probabilities": np.eye(3, dtype=np.float32)[guess]}

        return run

    # Each picture is brightest in the hue that it is labelled with.
    told = int8.judge(found, knows(lambda mean: mean.argmax(-1)), knows(lambda m: m.argmin(-1)))
    assert told["float32"] == {"images": 6, "accuracy": 1.0, "mean_class_accuracy": 1.0}
    assert told["int8"]["accuracy"] == 0
    with pytest.raises(ValueError, match="has no gaze, which --calibrate needs for this network"):
        calibration.find(*place, makes_maps=True, data_dir=str(tmp_path))


@pytest.mark.parametrize(
    ("only", "lacks"), [("train", "no split to test on"), ("test", "no training split")]
)
def test_split_that_calibration_misses_is_named(tmp_path, only, lacks):
    dotted_sets.DottedUnseen(config=only, data_dir=tmp_path).download_and_prepare()
    for makes_maps, missing in ((False, lacks), (True, f"{lacks} and no gaze")):
        with pytest.raises(ValueError, match=f"dotted_unseen.* has {missing}, which"):
            calibration.find(
                f"dotted_unseen/{only}", Geometry(40, 46), (), makes_maps, str(tmp_path)
            )


def test_calibration_without_tflite_is_refused():
    with pytest.raises(ValueError, match="--formats=saved_model,tflite"):
        serving.Settings(calibrate="photos")


def test_unusable_calibration_names_the_reason(photos, tmp_path):
    geometry = Geometry(40, 46)
    with pytest.raises(ValueError, match="'no_such_set' is no folder, and: .*data set"):
        calibration.find("no_such_set", geometry, (), True)
    with pytest.raises(ValueError, match="at least 2 images.*got 0"):
        calibration.find(str(tmp_path), geometry, (), True)
    for name in ("1.png", "2.png"):
        (tmp_path / name).write_bytes((photos / name).read_bytes()[:200])
    with pytest.raises(ValueError, match=r"cannot decode image .*1\.png"):
        calibration.find(str(tmp_path), geometry, (), True)
