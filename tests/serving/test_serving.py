"""The parts of an export: folding, freezing, signatures, overlays, versions, warm-up."""

import io

import finished_stages
import keras
import numpy as np
import PIL.Image
import pytest
import scipy.ndimage
import tensorflow as tf
from encoded_images import MAX_PIXELS, VALID, encoded, noise
from served_answers import GEOMETRY, expected_answers

from salclass_tf.classifiers import build_classifier
from salclass_tf.data import cropping
from salclass_tf.serving import (
    exports,
    folding,
    frozen,
    overlays,
    signatures,
    trained,
    versions,
    warmup,
)


@pytest.mark.slow
def test_folded_inception_infers_the_same():
    trained = build_classifier("inception_v3", 5, image_size=75, width=1 / 32)
    finished_stages.spread_weights(trained)
    twin = build_classifier("inception_v3", 5, image_size=75, width=1 / 32)
    folded = folding.fold(twin, trained)
    kinds = [type(layer).__name__ for layer in folded.layers]
    assert kinds.count("BatchNormalization") == 1 and kinds.count("Identity") == 94
    rng = np.random.default_rng(0)
    batch = {
        "image": rng.uniform(0, 255, (2, 75, 75, 3)).astype(np.float32),
        "saliency": rng.uniform(-1, 2, (2, 75, 75, 1)).astype(np.float32),
    }
    expected = trained(batch, training=False)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(folded(batch), expected, atol=1e-4 * np.abs(expected).max())


def test_normalisation_is_folded_only_where_nothing_else_sees_what_is_before_it():
    def build():
        image = keras.Input((8, 8, 3), name="image")
        shared = keras.layers.Conv2D(4, 3, name="shared")(image)
        active = keras.layers.Conv2D(4, 3, activation="relu", name="active")(image)
        x = [
            keras.layers.BatchNormalization(name=f"norm_{i}")(y)
            for i, y in enumerate((shared, active))
        ]
        x = keras.layers.Add()([*x, shared])
        x = keras.layers.Conv2D(2, 3, name="last")(x)
        last = keras.layers.BatchNormalization(center=False, name="norm_last")(x)
        return keras.Model(image, last)

    trained = build()
    finished_stages.spread_weights(trained)
    folded = folding.fold(build(), trained)
    left = [x.name for x in folded.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert left == ["norm_0", "norm_1"]
    image = np.random.default_rng(1).random((2, 8, 8, 3), np.float32)
    np.testing.assert_allclose(folded(image), trained(image, training=False), atol=1e-5)


def test_networks_of_other_layers_are_refused():
    one, other = (build_classifier(n, 3, image_size=32, width=1 / 64) for n in ("vgg16", "vgg19"))
    with pytest.raises(ValueError, match="different networks"):
        folding.fold(one, other)


@pytest.fixture(scope="module")
def joint(tmp_path_factory):
    """A finished joint stage, trained in bfloat16, and its frozen float32 twin."""
    workdir = tmp_path_factory.mktemp("run")
    finished_stages.write_stage(workdir, "joint", "mixed_bfloat16")
    stage = trained.open_stage(workdir, "joint")
    return stage, exports.frozen_twin(stage, "float32")


def graph_nodes(function):
    definition = function.graph.as_graph_def()
    bodies = [body.node_def for body in definition.library.function]
    return [node for nodes in (definition.node, *bodies) for node in nodes]


def test_network_trained_in_bfloat16_is_served_in_float32_without_training_leftovers(joint):
    nodes = graph_nodes(joint[1])
    kinds = {node.op for node in nodes}
    assert "Conv2D" in kinds
    leftovers = ("Variable", "VarHandle", "ReadVariable", "Assign", "FusedBatchNorm", "Random")
    assert not [kind for kind in kinds if any(part in kind for part in leftovers)]
    assert tf.bfloat16.as_datatype_enum not in {node.attr["T"].type for node in nodes}
    assert not joint[1].captured_inputs


@pytest.mark.usefixtures("bfloat16")
def test_bfloat16_twin_keeps_the_map_head_in_float32_and_is_close(joint):
    stage, plain = joint
    twin = exports.frozen_twin(stage, "bfloat16")
    types = [node.attr["T"].type for node in graph_nodes(twin) if node.op == "Conv2D"]
    # All 2 x 13 of VGG-16, but not the scores.
    assert types.count(tf.bfloat16.as_datatype_enum) == 26
    assert types.count(tf.float32.as_datatype_enum) == 1
    images = tf.constant(warmup.pictures(2, 40, 40))
    one, other = plain(images), twin(images)
    np.testing.assert_allclose(one["probabilities"], other["probabilities"], atol=0.05)
    assert np.abs(one["probabilities"] - other["probabilities"]).max() > 0


@pytest.fixture(scope="module")
def served(joint):
    stage, forward = joint
    return signatures.build(
        forward,
        geometry=stage.geometry,
        class_names=finished_stages.CLASSES,
        top_k=3,
        max_pixels=MAX_PIXELS,
        max_batch=16,
    )


@pytest.fixture(scope="module")
def float32_network():
    network = finished_stages.build_network("joint")
    return network


def test_bytes_give_what_evaluation_gives(served, float32_network):
    probabilities, saliency = expected_answers(float32_network, list(VALID.values()))
    out = served["serving_default"](tf.constant(list(VALID.values())))
    np.testing.assert_allclose(out["probabilities"], probabilities, atol=1e-5)
    np.testing.assert_allclose(out["saliency"], saliency, atol=1e-5 * np.abs(saliency).max())
    order = np.argsort(-probabilities, axis=1)[:, :3]
    assert np.ptp(order[:, 0]) > 0  # pictures that are told apart
    top = np.take_along_axis(probabilities, order, axis=1)
    np.testing.assert_allclose(out["top_probabilities"], top, atol=1e-5)
    names = [[finished_stages.CLASSES[i] for i in row] for row in order]
    assert [[name.decode() for name in row] for row in out["top_classes"].numpy()] == names


def test_pixels_give_what_the_same_file_gives(served):
    png = VALID["png"]
    pixels = tf.io.decode_png(png)[tf.newaxis]
    from_bytes = served["serving_default"](tf.constant([png]))
    from_pixels = served["serving_image"](pixels)
    for name, value in from_bytes.items():
        np.testing.assert_array_equal(value, from_pixels[name])


def test_pixels_beyond_the_limit_are_refused(served):
    for shape in ((1, 400, 400, 3), (1, 1, 50_000, 3), (1, 0, 9, 3)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="100000"):
            served["serving_image"](tf.zeros(shape, tf.uint8))


@pytest.mark.parametrize("signature", ["serving_default", "serving_image", "saliency_overlay"])
def test_more_images_than_allowed_are_refused_before_one_is_decoded(served, signature):
    def batch(count):
        pixels = tf.zeros((count, 1, 1, 3), tf.uint8)
        return pixels if signature == "serving_image" else tf.constant([b"no image"] * count)

    for count in (17, 3000):
        said = rf"a request may have 16 images; got.*{count}"
        with pytest.raises(tf.errors.InvalidArgumentError, match=said):
            served[signature](batch(count))
    if signature == "serving_image":
        assert served[signature](batch(16))["saliency"].shape[0] == 16
    else:  # as many as are allowed are looked at
        with pytest.raises(tf.errors.InvalidArgumentError, match="image_bytes must be"):
            served[signature](batch(16))


@pytest.mark.parametrize("limit", ["top_k", "max_pixels", "max_batch"])
def test_limits_are_at_least_one(limit):
    with pytest.raises(ValueError, match=rf"{limit} must be at least 1; got 0"):
        exports.Settings(**{limit: 0})
    with pytest.raises(ValueError, match=rf"{limit} must be at least 1; got 0"):
        signatures.build(None, geometry=GEOMETRY, **{limit: 0})


def test_empty_batch_has_an_empty_answer(served):
    assert served["serving_default"](tf.constant([], tf.string))["saliency"].shape == (0, 40, 40, 1)


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(1, [1]), (2, [1, 1]), (3, [2, 1]), (8, [4, 4]), (9, [4, 4, 1]), (17, [4, 4, 4, 4, 1])],
)
def test_parts_of_a_batch_come_back_in_their_order(count, sizes):
    def told(image):
        """Each image's own value, and how many it came with."""
        number = tf.cast(tf.shape(image)[0], tf.float32)
        first = tf.cast(image[:, :1, :1, :1], tf.float32)
        return {"saliency": first, "probabilities": tf.fill([tf.shape(image)[0], 1], number)}

    spec = tf.TensorSpec([None, 8, 8, 3], tf.uint8, name="image")
    forward = tf.function(told).get_concrete_function(spec)
    infer = tf.function(signatures.in_parts(forward), autograph=False)
    values = np.arange(1, count + 1, dtype=np.uint8)
    out = infer(tf.constant(np.tile(values[:, None, None, None], (1, 8, 8, 3))))
    np.testing.assert_array_equal(out["saliency"][:, 0, 0, 0], values)
    expected = [size for size in sizes for _ in range(size)]
    np.testing.assert_array_equal(out["probabilities"][:, 0], expected)


def test_narrow_network_answers_as_it_does_in_one_piece(joint, served):
    stage, forward = joint
    parts = signatures.build(
        forward,
        geometry=stage.geometry,
        class_names=finished_stages.CLASSES,
        top_k=3,
        narrow=True,
    )
    images = tf.constant((list(VALID.values()) * 2)[:11])
    whole, of_parts = (one["serving_default"](images) for one in (served, parts))
    assert of_parts.keys() == whole.keys()
    for name in ("probabilities", "saliency"):
        np.testing.assert_allclose(of_parts[name], whole[name], rtol=1e-5, atol=1e-6)
    assert parts["serving_default"](tf.constant([], tf.string))["saliency"].shape == (0, 40, 40, 1)
    shapes = [one["serving_default"].structured_outputs for one in (served, parts)]
    for name, tensor in shapes[0].items():
        assert tensor.shape.as_list() == shapes[1][name].shape.as_list()


def test_exif_orientation_is_ignored_as_in_training(served):
    orientation = PIL.Image.Exif()
    orientation[0x0112] = 6
    plain, turned = (encoded(noise(61, 90), "JPEG", **o) for o in ({}, {"exif": orientation}))
    assert plain != turned
    out = [served["serving_default"](tf.constant([i]))["saliency"] for i in (plain, turned)]
    np.testing.assert_array_equal(*out)


@pytest.mark.parametrize("kind", ["jpeg", "png", "gif that grows", "one pixel"])
def test_overlay_lies_on_the_original_geometry(served, kind):
    (png,) = served["saliency_overlay"](tf.constant([VALID[kind]]))["overlay_bytes"].numpy()
    overlay = PIL.Image.open(io.BytesIO(png))
    decoded = tf.io.decode_image(VALID[kind], channels=3, expand_animations=False)
    assert overlay.mode == "L" and overlay.size == decoded.shape[1::-1]
    peak = np.max(served["serving_default"](tf.constant([VALID[kind]]))["saliency"])
    assert np.max(overlay) == (255 if peak > 0 else 0)


def test_overlay_samples_the_map_where_the_crop_was():
    size = np.array([61, 90])
    saliency = np.zeros((40, 40, 1), np.float32)
    saliency[5:30, 8:36] = 1 + np.random.default_rng(0).random((25, 28, 1), np.float32)
    png = overlays.encode(tf.constant(saliency), tf.constant(size, tf.int32), GEOMETRY)
    resized = np.array([46, 68])  # 90 * 46 / 61 = 67.9
    corner = (resized - 40) // 2
    places = [
        (np.arange(n) + 0.5) * r / n - 0.5 - c
        for n, r, c in zip(size, resized, corner, strict=True)
    ]
    grid = np.meshgrid(*places, indexing="ij")
    expected = scipy.ndimage.map_coordinates(saliency[..., 0], grid, order=1, mode="constant")
    drawn = tf.io.decode_png(png).numpy()[..., 0] / 255 * expected.max()
    np.testing.assert_allclose(drawn, expected, atol=0.02)


@pytest.mark.parametrize("size", [(61, 90), (90, 61), (46, 46), (300, 47)])
def test_crop_is_placed_where_central_view_took_it(size):
    ramps = np.stack(np.meshgrid(np.arange(size[0]), np.arange(size[1]), indexing="ij"), -1)
    ramps = np.concatenate([ramps, 0 * ramps[..., :1]], -1)
    view = cropping.central_view(tf.constant(np.minimum(ramps, 255), tf.uint8), GEOMETRY).numpy()
    origin, scale = overlays.crop_in_original(tf.constant(size), GEOMETRY)
    centres = origin.numpy() + (np.arange(40)[:, np.newaxis] + 0.5) * scale.numpy() - 0.5
    inner = slice(5, 35)  # the outermost resized pixels average over less
    np.testing.assert_allclose(view[inner, 20, 0], centres[inner, 0], atol=1)
    np.testing.assert_allclose(view[20, inner, 1], centres[inner, 1], atol=1)


def test_detector_and_classifier_alone_answer_with_what_they_know():
    detector, classifier = (
        finished_stages.build_network(n) for n in ("saliency", "classifier_rgb")
    )
    parts = [
        signatures.build(frozen.freeze(network, 40), geometry=GEOMETRY, class_names=("a",) * 7)
        for network in (detector, classifier)
    ]
    out = [part["serving_default"](tf.constant([VALID["jpeg"]])) for part in parts]
    assert set(out[0]) == {"saliency"} and "saliency_overlay" in parts[0]
    assert set(out[1]) == {"probabilities", "top_classes", "top_probabilities"}
    assert "saliency_overlay" not in parts[1]
    assert out[1]["top_classes"].shape == (1, 5)


def test_versions_count_on_and_leave_nothing_half_written(tmp_path):
    (tmp_path / "10").mkdir()
    (tmp_path / "9").mkdir()
    (tmp_path / "old").mkdir()
    with versions.unfinished(tmp_path) as folder:
        (folder / "file").write_text("whole")
        assert not folder.name.isdecimal()
        version = versions.publish(folder)
    assert version == tmp_path / "11"
    with pytest.raises(KeyboardInterrupt), versions.unfinished(tmp_path) as folder:
        raise KeyboardInterrupt
    assert sorted(path.name for path in tmp_path.iterdir()) == ["10", "11", "9", "old"]


def test_what_a_killed_export_has_left_is_removed_and_that_of_a_living_one_stays(tmp_path):
    with versions.unfinished(tmp_path) as finished:
        killed = finished
    killed.mkdir()
    own = tmp_path / "unfinished-experiments"
    own.mkdir()
    (killed / "saved_model.pb").write_text("half")
    with versions.unfinished(tmp_path) as living:
        assert not killed.exists()
        (living / "file").write_text("whole")
        with versions.unfinished(tmp_path):
            assert (living / "file").exists()
        versions.publish(living)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", own.name]


def test_version_taken_by_another_export_is_passed_over(tmp_path, monkeypatch):
    (tmp_path / "2").mkdir()
    (tmp_path / "2" / "file").touch()
    seen = iter([1, 2])
    monkeypatch.setattr(versions, "_highest", lambda _: next(seen))
    with versions.unfinished(tmp_path) as folder:
        assert versions.publish(folder).name == "3"
