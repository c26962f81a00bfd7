"""A loaded model against Keras' own loading and the pipeline, and its export against itself."""

import json
import shutil
import sys
import types

import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
from finished_stages import CLASSES, SIZES, build_network, write_stage

from salclass_tf import ClassifierModel, DetectorModel, SalClassNet
from salclass_tf.data import cropping
from salclass_tf.data.geometry import Geometry

SIDE = SIZES["image_size"]
GEOMETRY = Geometry(SIDE, 46)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with a detector, an RGB classifier and a joint network; the last knows its classes."""
    workdir = tmp_path_factory.mktemp("run")
    for stage in ("joint", "saliency", "classifier_rgb"):
        write_stage(workdir, stage)
    for stage in ("joint", "classifier_rgb"):
        path = workdir / stage / "metrics.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"class_names": CLASSES}))
    return workdir


@pytest.fixture(scope="module")
def model(run):
    return SalClassNet.from_preset(run)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """A file and two arrays, of three sizes, and their crops by the pipeline."""
    rng = np.random.default_rng(7)
    arrays = [rng.integers(0, 256, (h, w, 3), np.uint8) for h, w in ((60, 90), (50, 46), (40, 40))]
    path = tmp_path_factory.mktemp("photographs") / "one.png"
    PIL.Image.fromarray(arrays[0]).save(path)
    views = tf.stack([cropping.central_view(tf.constant(array), GEOMETRY) for array in arrays])
    return [path, arrays[1], arrays[2].astype(np.float32)], views


def test_predictions_are_those_of_keras_loading_and_the_pipeline(run, model, photographs):
    images, views = photographs
    by_hand = keras.models.load_model(run / "joint" / "model.keras", compile=False)(views)
    out = model.predict(images, verbose=0)
    np.testing.assert_allclose(out["saliency"], by_hand["saliency"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(out["logits"], by_hand["logits"], rtol=1e-4, atol=1e-5)
    logits = by_hand["logits"].numpy().astype(np.float64)
    wanted = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(out["probabilities"], wanted, rtol=1e-3, atol=1e-6)
    order = np.argsort(-wanted, axis=-1)[:, :5]
    assert out["top_classes"].tolist() == [[CLASSES[i] for i in row] for row in order]
    np.testing.assert_array_equal(
        out["top_probabilities"], np.take_along_axis(out["probabilities"], order, -1)
    )


def test_batches_of_the_networks_size_go_to_keras_as_they_are(model, photographs):
    views = photographs[1].numpy()
    wanted = model(views)
    pairs = tf.data.Dataset.from_tensor_slices(views).batch(2)
    dicts = tf.data.Dataset.from_tensor_slices({"image": views}).batch(2)
    for given in (views, photographs[1], {"image": views}, pairs, dicts):
        out = model.predict(given, verbose=0)
        assert set(out) == {"saliency", "logits"}
        for name, value in wanted.items():
            np.testing.assert_allclose(out[name], value, rtol=1e-4, atol=1e-5)


def test_one_path_is_one_image(model, photographs):
    path = photographs[0][0]
    several = model.predict(photographs[0], verbose=0)
    for given in (path, str(path)):
        out = model.predict(given, verbose=0)
        assert out["saliency"].shape == (1, SIDE, SIDE, 1)
        np.testing.assert_allclose(out["logits"][0], several["logits"][0], rtol=1e-4, atol=1e-5)


def test_every_location_gives_the_same_model(run, model, tmp_path, photographs):
    alone = tmp_path / "alone.keras"
    shutil.copy(run / "joint" / "model.keras", alone)
    wanted = model(photographs[1])["logits"]
    for location in (run, run / "joint", run / "joint" / "model.keras", alone, str(alone)):
        loaded = SalClassNet.from_preset(location)
        np.testing.assert_array_equal(loaded(photographs[1])["logits"], wanted)
        if location in (alone, str(alone)):  # nothing lies beside it
            assert loaded.class_names == ()
            assert loaded.geometry == Geometry.for_image_size(SIDE)
        else:
            assert (loaded.class_names, loaded.geometry) == (CLASSES, GEOMETRY)


def test_names_and_geometry_are_saved_along(model, tmp_path):
    model.save(tmp_path / "mine.keras")
    loaded = SalClassNet.from_preset(tmp_path / "mine.keras")
    assert (loaded.class_names, loaded.geometry) == (CLASSES, GEOMETRY)
    other = SalClassNet.from_preset(tmp_path / "mine.keras", short_side=50, alpha=0.9)
    assert (other.geometry, other.alpha) == (Geometry(SIDE, 50), 0.9)
    assert other.class_names == CLASSES


def test_detector_and_classifier_have_loaders_of_their_own(run, photographs):
    detector = DetectorModel.from_preset(run)
    out = detector.predict(photographs[0], verbose=0)
    plain = keras.models.load_model(run / "saliency" / "model.keras", compile=False)
    np.testing.assert_allclose(out["saliency"], plain(photographs[1]), rtol=1e-4, atol=1e-5)
    assert set(out) == {"saliency"}
    assert detector.geometry == GEOMETRY
    classifier = ClassifierModel.from_preset(run / "classifier_rgb")
    out = classifier.predict(photographs[0], verbose=0)
    plain = keras.models.load_model(run / "classifier_rgb" / "model.keras", compile=False)
    np.testing.assert_allclose(out["logits"], plain(photographs[1]), rtol=1e-4, atol=1e-5)
    assert out["top_classes"][0, 0] == CLASSES[int(np.argmax(out["logits"][0]))]


def test_networks_of_another_kind_are_named(run):
    with pytest.raises(ValueError, match="a detector: use DetectorModel.from_preset"):
        SalClassNet.from_preset(run / "saliency")
    with pytest.raises(ValueError, match="a classifier: use ClassifierModel.from_preset"):
        DetectorModel.from_preset(run / "classifier_rgb")
    with pytest.raises(ValueError, match="a SalClassNet: use SalClassNet.from_preset"):
        ClassifierModel.from_preset(run / "joint")


def test_locations_without_a_network_are_named(run, tmp_path):
    with pytest.raises(ValueError, match="nowhere is not there; name the folder of a run"):
        SalClassNet.from_preset(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="no finished stage"):
        SalClassNet.from_preset(tmp_path)
    broken = tmp_path / "broken.keras"
    broken.write_bytes((run / "joint" / "model.keras").read_bytes()[:1000])
    with pytest.raises(ValueError, match="cannot read the network .*broken.keras"):
        SalClassNet.from_preset(broken)


def test_hub_is_asked_for_the_repository(run, model, monkeypatch, photographs):
    asked = []

    def snapshot_download(name, revision=None):
        asked.append((name, revision))
        if name == "ada/gone":
            raise OSError("404 Client Error")
        return str(run / "joint")

    fake = types.ModuleType("huggingface_hub")
    fake.snapshot_download = snapshot_download
    monkeypatch.setitem(sys.modules, "huggingface_hub", fake)
    loaded = SalClassNet.from_preset("hf://ada/birds")
    SalClassNet.from_preset("hf://ada/birds@v2")
    assert asked == [("ada/birds", None), ("ada/birds", "v2")]
    assert loaded.class_names == CLASSES
    np.testing.assert_array_equal(loaded(photographs[1])["logits"], model(photographs[1])["logits"])
    with pytest.raises(ValueError, match="hf://user/name; got hf://birds"):
        SalClassNet.from_preset("hf://birds")
    with pytest.raises(ValueError, match="cannot download hf://ada/gone: 404"):
        SalClassNet.from_preset("hf://ada/gone")


def test_missing_hub_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ValueError, match=r"pip install huggingface_hub, or salclass-tf\[hub\]"):
        SalClassNet.from_preset("hf://ada/birds")
    with pytest.raises(ValueError, match="is hf://user/name; got hf://birds"):
        SalClassNet.from_preset("hf://birds")


def test_export_of_a_model_that_was_never_called_answers_as_it_predicts(run, photographs, tmp_path):
    fresh = SalClassNet.from_preset(run)
    fresh.export(tmp_path / "served")
    exported = tf.saved_model.load(str(tmp_path / "served"))
    path, array, _ = photographs[0]
    from_bytes = exported.signatures["serving_default"](
        image_bytes=tf.constant([path.read_bytes()])
    )
    from_pixels = exported.signatures["serving_image"](image=tf.constant(array[None]))
    for answers, image in ((from_bytes, path), (from_pixels, array)):
        out = fresh.predict(image, verbose=0)
        assert set(answers) == set(out) - {"logits"}
        names = [[name.decode() for name in row] for row in answers["top_classes"].numpy()]
        assert names == out["top_classes"].tolist()
        for name in ("saliency", "probabilities", "top_probabilities"):
            np.testing.assert_allclose(answers[name], out[name], rtol=1e-3, atol=1e-5)


def test_export_replaces_an_export_and_nothing_else(run, tmp_path):
    detector = DetectorModel.from_preset(run)
    folder = tmp_path / "served"
    folder.mkdir()
    detector.export(folder)
    (folder / "old").touch()
    detector.export(str(folder))
    assert (folder / "saved_model.pb").is_file() and not (folder / "old").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["served"]
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "thesis.txt").touch()
    with pytest.raises(ValueError, match="other content than an export"):
        detector.export(tmp_path / "notes")
    assert (tmp_path / "notes" / "thesis.txt").exists()


def test_classifier_of_true_maps_exports_and_predicts_with_them(photographs, tmp_path):
    classifier = ClassifierModel(build_network("joint").classifier)
    batch = {
        "image": tf.cast(photographs[1], tf.float32),
        "saliency": tf.random.stateless_uniform([3, SIDE, SIDE, 1], [1, 2]),
    }
    classifier.export(tmp_path / "served", verbose=False)
    exported = tf.saved_model.load(str(tmp_path / "served"))
    answers = exported.serve(batch)
    np.testing.assert_allclose(
        answers["logits"], classifier.predict(batch, verbose=0)["logits"], rtol=1e-4, atol=1e-5
    )
    with pytest.raises(ValueError, match="reads true gaze maps"):
        classifier.predict(photographs[0])


def test_class_names_and_short_side_are_checked():
    parts = build_network("joint")
    with pytest.raises(ValueError, match="all 7 classes; got 2 names"):
        SalClassNet(parts.detector, parts.classifier, class_names=("a", "b"))
    with pytest.raises(ValueError, match="short_side must be at least image_size"):
        DetectorModel(parts.detector, short_side=SIDE - 1)
