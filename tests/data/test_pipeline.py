import io

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from ragged_examples import (
    GEOMETRY,
    all_of,
    assert_same,
    encode,
    example,
    random_examples,
    source_of,
    training,
)

from salclass_tf import heatmaps
from salclass_tf.data import cropping, pipeline
from salclass_tf.data.geometry import Geometry


def evaluation(examples, batch_size=4, sigma_px=3.0):
    batches = pipeline.evaluation_batches(
        source_of(examples), geometry=GEOMETRY, sigma_px=sigma_px, batch_size=batch_size
    )
    return list(batches.as_numpy_iterator())


def dotted_example(number, size, row, column):
    """A dark image with one bright dot of 5 x 5 pixels, and a fixation on its middle."""
    image = np.full((*size, 3), 20, np.uint8)
    image[row - 2 : row + 3, column - 2 : column + 3] = 255
    return example(number, image, [(column, row)])


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("mirror", ["both", "random"])
def test_map_and_image_are_moved_together(seed, mirror):
    examples = [
        dotted_example(0, (64, 96), 32, 48),
        dotted_example(1, (96, 64), 40, 27),
        dotted_example(2, (48, 120), 21, 64),
    ]
    views = all_of(training(examples, seed=seed, mirror=mirror, batch_size=3, crops=12))
    seen = 0
    for image, saliency in zip(views["image"], views["saliency"], strict=True):
        brightness = image[..., 0].astype(float) - 20
        if brightness.sum() < 100 or saliency.max() < 0.999:
            continue  # a crop beside the dot
        inner = saliency[3:-3, 3:-3, 0].max() == saliency.max()
        if not inner:
            continue  # part of the dot is cut off, its middle cannot be measured
        grid = np.stack(np.mgrid[:24, :24], axis=-1)
        dot = (grid * brightness[..., np.newaxis]).sum(axis=(0, 1)) / brightness.sum()
        peak = np.unravel_index(saliency[..., 0].argmax(), (24, 24))
        assert np.abs(dot - peak).max() <= 1
        seen += 1
    assert seen >= 8


def test_map_is_that_of_the_whole_image_cut_and_not_stretched():
    image = np.zeros((32, 90, 3), np.uint8)  # resized by 1, so that positions stay
    views = all_of(training([example(0, image, [(5, 10)])], crops=16, batch_size=32, sigma_px=2.0))
    whole = heatmaps.from_fixations([(5, 10)], size=(32, 90), sigma=2.0)
    windows = np.lib.stride_tricks.sliding_window_view(whole, (24, 24)).reshape(-1, 24, 24)
    windows = np.concatenate([windows, windows[..., ::-1]])
    for saliency in views["saliency"][..., 0]:
        assert np.abs(windows - saliency).max(axis=(1, 2)).min() < 1e-6
    assert views["saliency"].max(axis=(1, 2, 3)).min() < 0.5  # some crop lies far from the peak


def test_sigma_shrinks_with_the_image():
    image = np.zeros((64, 128, 3), np.uint8)
    (batch,) = evaluation([example(0, image, [(63.5, 31.5)])], sigma_px=6.0)
    expected = heatmaps.from_fixations([(11.5, 11.5)], size=(24, 24), sigma=3.0)
    np.testing.assert_allclose(batch["saliency"][0, ..., 0], expected, atol=1e-5)


def test_one_seed_and_epoch_give_the_same_bytes_and_others_do_not():
    examples = random_examples(6)
    assert_same(training(examples), training(examples))
    first = all_of(training(examples))
    for changes in ({"epoch": 1}, {"seed": 8}):
        other = all_of(training(examples, **changes))
        # Sorted, so that another order of the same views would not pass for other crops.
        ours, theirs = ({view.tobytes() for view in views["image"]} for views in (first, other))
        assert len(ours & theirs) < len(ours) / 4
        assert (first["label"] != other["label"]).any()


@pytest.mark.parametrize("views", [{"crops": 5}, {"crops": 1, "mirror": "random"}])
def test_an_epoch_can_be_entered_at_any_step(views):
    examples = random_examples(9)
    whole = training(examples, batch_size=2, shuffle_images=4, shuffle_views=8, **views)
    for steps in (1, 3):
        late = training(
            examples, batch_size=2, shuffle_images=4, shuffle_views=8, skip_steps=steps, **views
        )
        assert_same(whole.skip(steps), late)
        assert len(late) == len(whole) - steps


def test_five_crops_and_their_mirror_images_make_ten_views():
    views = all_of(training(random_examples(3), batch_size=10))
    assert np.bincount(views["label"]).tolist() == [10, 10, 10]
    for label in range(3):
        images = views["image"][views["label"] == label]
        kinds = {image.tobytes() for image in images}
        assert len(kinds) == 10  # five different crops
        assert all(image[:, ::-1].tobytes() in kinds for image in images)


def test_random_mirror_gives_each_crop_once_sometimes_mirrored():
    examples = random_examples(12)
    plain = all_of(training(examples, crops=1, mirror="none"))
    drawn = all_of(training(examples, crops=1, mirror="random"))
    np.testing.assert_array_equal(plain["label"], drawn["label"])
    mirrored = 0
    for key in ("image", "saliency"):
        same = (drawn[key] == plain[key]).all(axis=(1, 2, 3))
        flipped = (drawn[key] == plain[key][:, :, ::-1]).all(axis=(1, 2, 3))
        assert (same ^ flipped).all()
        mirrored += flipped.sum()
    assert 4 <= mirrored <= 20


def test_crops_and_random_mirror_are_drawn_evenly_and_apart():
    image = np.zeros((34, 34, 3), np.uint8)
    image[..., 0], image[..., 1] = np.mgrid[:34, :34]
    geometry = Geometry(image_size=24, short_side=34)
    views = all_of(training([example(0, image, [])], geometry=geometry, crops=400, mirror="random"))
    top = views["image"][:, 0, 0, 0]
    left = views["image"][:, 0, :, 1].min(axis=1)
    mirrored = views["image"][:, 0, 0, 1] > left
    for origin in (top, left):
        assert np.bincount(origin, minlength=11).min() > 15  # 36 expected each
        assert 0.35 < mirrored[origin < 5].mean() < 0.65
        assert 0.35 < mirrored[origin > 5].mean() < 0.65


def test_views_of_different_images_are_mixed():
    views = all_of(training(random_examples(12), batch_size=10))
    kinds = [len(set(batch)) for batch in views["label"].reshape(-1, 10)]
    assert min(kinds) >= 4


def test_images_come_in_another_order_than_stored():
    labels = all_of(training(random_examples(12), crops=1, mirror="none"))["label"]
    assert sorted(labels) == list(range(12))
    assert labels.tolist() != list(range(12))


def test_training_has_full_batches_of_the_documented_types():
    batches = training(random_examples(3), batch_size=8)
    assert len(batches) == 3
    spec = batches.element_spec
    assert spec["image"] == tf.TensorSpec([8, 24, 24, 3], tf.uint8)
    assert spec["saliency"] == tf.TensorSpec([8, 24, 24, 1], tf.float32)
    assert spec["label"] == tf.TensorSpec([8], tf.int32)
    assert len(list(batches)) == 3


def test_maps_that_a_set_ships_take_the_place_of_fixations():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (32, 48, 3), np.uint8)
    heatmap = np.zeros((64, 96, 1), np.uint8)  # twice the image's size, as some sets have it
    heatmap[20:24, 60:66] = 80
    one = {
        "image": tf.constant(encode(image))[None],
        "image/id": ["a"],
        "fixations": {"x": np.zeros((1, 0), np.float32), "y": np.zeros((1, 0), np.float32)},
        "heatmap": heatmap[None],
    }
    source = tf.data.Dataset.from_tensor_slices(one)
    [batch] = pipeline.evaluation_batches(source, geometry=GEOMETRY, sigma_px=0.0, batch_size=1)
    assert "fixation_counts" not in batch
    halved = heatmap[..., 0].reshape(32, 2, 48, 2).mean((1, 3)) / 80
    found = batch["saliency"][0, ..., 0].numpy()
    assert found.max() == 1
    # The crop begins at (4, 12); the spot is at 10 to 12 and 30 to 33 of the image.
    rows, columns = np.nonzero(found > 0.5)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (6, 7, 18, 20)
    assert np.corrcoef(found.ravel(), halved[4:28, 12:36].ravel())[0, 1] > 0.95
    views = pipeline.training_batches(
        source, geometry=GEOMETRY, sigma_px=0, batch_size=2, seed=0, epoch=0
    )
    assert max(float(tf.reduce_max(view["saliency"])) for view in views) == 1


def test_no_tuner_sleeps_behind_an_epoch():
    examples = random_examples(6)
    evaluation = pipeline.evaluation_batches(
        source_of(examples), geometry=GEOMETRY, sigma_px=3.0, batch_size=2
    )
    for batches in (training(examples), evaluation, pipeline.whole_batches(evaluation, 2)):
        assert batches.options().autotune.enabled is False


def test_a_classifier_alone_needs_no_maps_and_no_fixations():
    source = source_of(random_examples(4)).map(
        lambda one: {key: one[key] for key in ("image", "image/id", "label")}
    )
    arguments = dict(geometry=GEOMETRY, sigma_px=0.0, batch_size=4, with_maps=False)
    training_set = pipeline.training_batches(source, seed=7, epoch=0, **arguments)
    evaluation_set = pipeline.evaluation_batches(source, **arguments)
    pairs = [
        (training_set, training(random_examples(4)), {"image", "label"}),
        (evaluation_set, evaluation(random_examples(4)), {"image", "label", "image_id"}),
    ]
    for without_maps, with_maps, keys in pairs:
        for one, other in zip(without_maps, with_maps, strict=True):
            assert set(one) == keys
            np.testing.assert_array_equal(one["image"], other["image"])


def test_label_is_0_and_map_is_zero_where_the_source_has_none():
    examples = random_examples(2, fixations=0)
    for one in examples:
        del one["label"]
    views = all_of(training(examples))
    assert not views["label"].any() and not views["saliency"].any()
    (batch,) = evaluation(examples)
    for key in ("label", "saliency", "fixation_counts"):
        assert not batch[key].any(), key


@pytest.mark.parametrize("size", [(64, 96), (97, 61), (20, 30), (32, 32)])
def test_central_view_is_pillows_resize_and_its_centre(size):
    rng = np.random.default_rng(1)
    coarse = PIL.Image.fromarray(rng.integers(0, 256, (9, 9, 3), np.uint8))
    image = np.asarray(coarse.resize(size[::-1], PIL.Image.Resampling.BICUBIC))
    scale = 32 / min(size)
    height, width = (int(side * scale + 0.5) for side in size)
    resized = PIL.Image.fromarray(image).resize((width, height), PIL.Image.Resampling.BILINEAR)
    top, left = (height - 24) // 2, (width - 24) // 2
    expected = np.asarray(resized)[top : top + 24, left : left + 24].astype(int)
    view = cropping.central_view(tf.constant(image), GEOMETRY).numpy()
    assert view.dtype == np.uint8
    assert np.abs(view - expected).max() <= 1
    assert abs(np.mean(view - expected)) < 0.25  # rounded to nearest, not cut off


def test_serving_sees_what_evaluation_sees():
    image = np.random.default_rng(2).integers(0, 256, (50, 70, 3), np.uint8)
    files = [encode(image, form) for form in ("PNG", "JPEG", "GIF", "BMP")]
    (batch,) = evaluation([example(0, image, []) | {"image": encoded} for encoded in files])
    graph = tf.function(
        lambda one: cropping.central_view(one, GEOMETRY),
        input_signature=[tf.TensorSpec([], tf.string)],
    )
    for encoded, expected in zip(files, batch["image"], strict=True):
        view = graph(encoded)
        assert view.shape == (24, 24, 3)
        np.testing.assert_array_equal(view, expected)
        np.testing.assert_array_equal(view, cropping.central_view(tf.constant(encoded), GEOMETRY))


def test_grey_images_become_rgb():
    grey = np.random.default_rng(2).integers(0, 256, (40, 50), np.uint8)
    view = cropping.central_view(tf.constant(encode(grey)), GEOMETRY).numpy()
    np.testing.assert_array_equal(view, np.repeat(view[..., :1], 3, axis=-1))


def test_a_decoded_source_gives_the_same_batches():
    examples = random_examples(5)
    decoded = source_of(examples).map(
        lambda one: one | {"image": tf.io.decode_image(one["image"], expand_animations=False)}
    )
    decoded = decoded.map(
        lambda one: one | {"image": tf.ensure_shape(one["image"], [None, None, 3])}
    )
    arguments = dict(geometry=GEOMETRY, sigma_px=3.0, batch_size=4, seed=7, epoch=0)
    assert_same(pipeline.training_batches(decoded, **arguments), training(examples))


def test_evaluation_keeps_order_and_remainder():
    examples = random_examples(7)
    batches = evaluation(examples)
    assert [len(batch["label"]) for batch in batches] == [4, 3]
    labels = np.concatenate([batch["label"] for batch in batches])
    names = np.concatenate([batch["image_id"] for batch in batches])
    assert labels.tolist() == list(range(7))
    assert names.tolist() == [f"image_{number}".encode() for number in range(7)]


def expected_counts(one, size):
    """Fixations in each pixel of the central crop, by the areas that pixels cover."""
    scale = 32 / min(size)
    height, width = (int(side * scale + 0.5) for side in size)
    counts = np.zeros((height, width))
    for x, y in zip(one["fixations"]["x"], one["fixations"]["y"], strict=True):
        row = min(int((y + 0.5) * height / size[0]), height - 1)
        column = min(int((x + 0.5) * width / size[1]), width - 1)
        counts[row, column] += 1
    top, left = (height - 24) // 2, (width - 24) // 2
    return counts[top : top + 24, left : left + 24]


def test_counts_are_the_fixations_in_the_crop():
    examples = random_examples(3, fixations=60)
    sizes = [(40, 64), (70, 48), (33, 37)]
    (batch,) = evaluation(examples)
    for one, size, counts in zip(examples, sizes, batch["fixation_counts"], strict=True):
        expected = expected_counts(one, size)
        assert 5 < expected.sum() < 60
        np.testing.assert_array_equal(counts[..., 0], expected)


@pytest.mark.parametrize("mirror", ["both", "random"])
def test_training_counts_are_the_fixations_in_each_view_and_move_nothing_else(mirror):
    """One image of a size that leaves crops no room; so a view is the image or its mirror image."""
    image = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
    points = [(2, 3), (2, 3), (20, 9)]
    geometry = Geometry(image_size=24, short_side=24)
    arguments = dict(geometry=geometry, mirror=mirror, crops=2, batch_size=2)
    views = training([example(0, image, points)], with_fixations=True, **arguments)
    plain = all_of(training([example(0, image, points)], **arguments))
    views = all_of(views)
    straight = np.zeros((24, 24))
    np.add.at(straight, tuple(np.transpose(points)[::-1]), 1)
    for view, counts in zip(views["image"], views["fixation_counts"], strict=True):
        turned = not np.array_equal(view, image)
        np.testing.assert_array_equal(counts[..., 0], straight[:, ::-1] if turned else straight)
    assert counts.dtype == np.float32
    assert set(plain) == set(views) - {"fixation_counts"}
    for key, value in plain.items():
        np.testing.assert_array_equal(value, views[key])


def test_fixations_asked_of_maps_are_refused():
    examples = random_examples(2)
    source = source_of(examples).map(lambda one: one | {"heatmap": tf.zeros([8, 8, 1], tf.uint8)})
    with pytest.raises(ValueError, match="maps in their place"):
        pipeline.training_batches(
            source,
            geometry=GEOMETRY,
            sigma_px=2.0,
            batch_size=2,
            seed=0,
            epoch=0,
            with_fixations=True,
        )


def test_fixations_on_the_very_edge_are_counted():
    image = np.zeros((48, 48, 3), np.uint8)
    edges = [(0, 0), (47.9, 47.9), (0, 47.9)]
    geometry = Geometry(image_size=32, short_side=32)
    source = source_of([example(0, image, edges)])
    (batch,) = pipeline.evaluation_batches(source, geometry=geometry, sigma_px=2.0, batch_size=1)
    counts = batch["fixation_counts"].numpy()[0, ..., 0]
    assert counts[0, 0] == counts[31, 31] == counts[31, 0] == 1


def test_map_peak_and_count_share_a_pixel():
    image = np.zeros((45, 66, 3), np.uint8)
    points = [(31, 20), (25.4, 17.7), (40, 30.2)]
    (batch,) = evaluation([example(number, image, [xy]) for number, xy in enumerate(points)])
    for saliency, counts in zip(batch["saliency"], batch["fixation_counts"], strict=True):
        assert counts.argmax() == saliency.argmax()


def test_a_corrupt_image_is_named():
    examples = random_examples(5)
    examples[3]["image"] = examples[3]["image"][:200]
    source = source_of(examples)
    with pytest.raises(ValueError, match="image 'image_3' cannot be decoded.*replace the file"):
        with pipeline.corrupt_images_named(source):
            list(pipeline.evaluation_batches(source, geometry=GEOMETRY, sigma_px=3.0, batch_size=2))


def test_errors_of_another_origin_pass_unchanged():
    with pytest.raises(tf.errors.InvalidArgumentError, match="Matrix size-incompatible"):
        with pipeline.corrupt_images_named(source_of(random_examples(2))):
            tf.matmul(tf.zeros([2, 3]), tf.zeros([2, 3]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 31}, "got 31, but 3 images x 10 views are 30; use a smaller batch"),
        ({"batch_size": 0}, "batch_size must be at least 1; got 0"),
        ({"crops": 0}, "crops must be at least 1 per image; got 0"),
        ({"mirror": "up"}, "mirror must be one of both, random, none; got 'up'"),
        ({"sigma_px": 0.0}, "sigma_px must be above 0 pixels; got 0.0"),
        ({"skip_steps": 8}, "skip_steps must be 0 to 7, the epoch's steps; got 8"),
        ({"skip_steps": -1}, "skip_steps must be 0 to 7"),
    ],
)
def test_training_refuses_bad_arguments(changes, message):
    with pytest.raises(ValueError, match=message):
        training(random_examples(3), **changes)


def test_training_refuses_a_source_of_unknown_size():
    source = source_of(random_examples(3)).filter(lambda one: True)
    with pytest.raises(ValueError, match="must know its number of examples"):
        pipeline.training_batches(
            source, geometry=GEOMETRY, sigma_px=3.0, batch_size=2, seed=0, epoch=0
        )


def test_evaluation_refuses_bad_arguments():
    with pytest.raises(ValueError, match="batch_size must be at least 1; got 0"):
        evaluation(random_examples(1), batch_size=0)
    with pytest.raises(ValueError, match="sigma_px must be above 0 pixels; got -1"):
        evaluation(random_examples(1), sigma_px=-1)


def test_geometry_is_the_papers_and_keeps_its_ratio():
    assert Geometry() == Geometry(299, 340) == Geometry.for_image_size(299)
    assert Geometry.for_image_size(96) == Geometry(96, 109)
    assert Geometry.for_image_size(1) == Geometry(1, 1)
    with pytest.raises(ValueError, match="got short_side 98, image_size 99"):
        Geometry(99, 98)
    with pytest.raises(ValueError, match="image_size must be at least 1 pixel; got 0"):
        Geometry(0, 10)


class TinyGaze(tfds.core.GeneratorBasedBuilder):
    """Twelve noise images with fixations, in the schema of the gaze sets."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(shape=(None, None, 3)),
                "image/id": tfds.features.Text(),
                "label": tfds.features.ClassLabel(num_classes=12),
                "fixations": tfds.features.Sequence({"x": np.float32, "y": np.float32}),
            }
        )
        return tfds.core.DatasetInfo(builder=self, features=features)

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for one in random_examples(12):
            yield one["image/id"], one | {"image": io.BytesIO(one["image"])}


def test_open_split_reads_a_prepared_builder(tmp_path):
    builder = TinyGaze(data_dir=tmp_path)
    with pytest.raises(ValueError, match="'tiny_gaze' is not prepared in .*another data_dir"):
        pipeline.open_split(builder, "train")
    builder.download_and_prepare()
    source = pipeline.open_split(builder, "train")
    assert source.element_spec["image"] == tf.TensorSpec([], tf.string)
    assert len(source) == 12
    stored = {one["image/id"]: one for one in random_examples(12)}
    orders = []
    for _ in range(2):
        found = list(pipeline.open_split(builder, "train").as_numpy_iterator())
        orders.append([one["image/id"].decode() for one in found])
    assert orders[0] == orders[1] and set(orders[0]) == set(stored)
    assert found[0]["image"] == stored[orders[0][0]]["image"]
    assert len(pipeline.open_split(builder, "train[:3]")) == 3
    with pytest.raises(ValueError, match="Unknown split 'valid'.*train"):
        pipeline.open_split(builder, "valid")
    batches = pipeline.training_batches(
        source, geometry=GEOMETRY, sigma_px=3.0, batch_size=4, seed=0, epoch=0
    )
    assert len(list(batches)) == 30


def test_filled_batches_have_one_size_and_say_what_counts():
    batches = pipeline.evaluation_batches(
        source_of(random_examples(6)), geometry=GEOMETRY, sigma_px=3.0, batch_size=4
    )
    filled = pipeline.whole_batches(batches, 4)
    first, last = ({key: value.numpy() for key, value in batch.items()} for batch in filled)
    assert first["weight"].tolist() == [1, 1, 1, 1] and last["weight"].tolist() == [1, 1, 0, 0]
    plain = list(evaluation(random_examples(6), batch_size=4))
    np.testing.assert_array_equal(first["image"], plain[0]["image"])
    np.testing.assert_array_equal(last["saliency"][:2], plain[1]["saliency"])
    np.testing.assert_array_equal(last["image"][2:], np.stack([plain[1]["image"][1]] * 2))
