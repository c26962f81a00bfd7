"""Crops that hold gaze: where they may lie, how evenly, and what happens without gaze."""

import numpy as np
import pytest
import tensorflow as tf
from ragged_examples import all_of, assert_same, example, random_examples, source_of, training

from salclass_tf import config
from salclass_tf.data import cropping, pipeline
from salclass_tf.data.geometry import Geometry


def located(height, width, points):
    """A picture whose pixels say where they are, and fixations on it."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0], image[..., 1] = np.mgrid[:height, :width]
    return example(0, image, points)


def origins(views):
    """First row and column of each crop, by its pixels."""
    return views["image"][:, 0, :, 0].min(1), views["image"][..., 1].min((1, 2))


def test_the_flag_knows_the_places_that_the_pipeline_knows():
    assert config.CROPS_AROUND == cropping.AROUND


def test_each_crop_holds_a_fixation_and_lies_evenly_among_those_that_do():
    geometry = Geometry(image_size=24, short_side=32)
    one = located(32, 90, [(5, 30)])  # (x, y); resized by 1, so that positions stay
    views = all_of(
        training(
            [one],
            geometry=geometry,
            crops=600,
            mirror="random",
            crop_around="gaze",
            with_fixations=True,
        )
    )
    assert (views["fixation_counts"].sum((1, 2, 3)) == 1).all()
    rows, columns = origins(views)
    # Row 30 is in crops that begin in 7 or 8, column 5 in those that begin in 0 to 5.
    assert np.bincount(rows, minlength=9)[:7].sum() == 0 and len(np.bincount(rows)) == 9
    assert np.bincount(rows)[7:].min() > 240
    assert len(np.bincount(columns)) == 6 and np.bincount(columns).min() > 60
    anywhere = all_of(
        training([one], geometry=geometry, crops=600, mirror="random", with_fixations=True)
    )
    assert anywhere["fixation_counts"].any((1, 2, 3)).mean() < 0.1


def test_each_fixation_has_as_many_crops():
    geometry = Geometry(image_size=8, short_side=8)
    one = located(8, 120, [(4, 4), (50, 4), (52, 4), (110, 4)])
    views = all_of(training([one], geometry=geometry, crops=800, mirror="none", crop_around="gaze"))
    _, columns = origins(views)
    near = [(columns < 20).mean(), ((columns > 30) & (columns < 70)).mean(), (columns > 90).mean()]
    np.testing.assert_allclose(near, [0.25, 0.5, 0.25], atol=0.06)


def test_pictures_without_gaze_are_cropped_as_ever():
    examples = random_examples(6, fixations=0)
    assert_same(training(examples, crop_around="gaze"), training(examples))


def test_crops_around_gaze_are_other_crops_of_the_same_pictures_in_the_same_order():
    examples = random_examples(6, fixations=1)
    arguments = {"crops": 1, "mirror": "random"}
    around = all_of(training(examples, crop_around="gaze", **arguments))
    anywhere = all_of(training(examples, **arguments))
    np.testing.assert_array_equal(around["label"], anywhere["label"])
    assert (around["image"] != anywhere["image"]).any((1, 2, 3)).any()
    assert (around["saliency"].max((1, 2, 3)) > 0.99).all()  # one fixation: its peak is there


def test_one_seed_gives_the_same_crops_from_any_step_on():
    examples = random_examples(9)
    arguments = {"batch_size": 2, "crop_around": "gaze", "shuffle_images": 4, "shuffle_views": 8}
    whole = training(examples, **arguments)
    assert_same(whole, training(examples, **arguments))
    assert_same(whole.skip(3), training(examples, skip_steps=3, **arguments))


def test_a_classifier_alone_has_the_same_crops_as_one_with_maps():
    examples = random_examples(4)
    alone = all_of(training(examples, crop_around="gaze", with_maps=False))
    with_maps = all_of(training(examples, crop_around="gaze"))
    np.testing.assert_array_equal(alone["image"], with_maps["image"])


def test_maps_in_place_of_fixations_are_looked_at_by_their_height():
    one = located(8, 120, [])
    heatmap = np.zeros((8, 120, 1), np.uint8)
    heatmap[:, 20:24], heatmap[:, 90:94] = 50, 150
    examples = source_of([one]).map(lambda x: x | {"heatmap": tf.constant(heatmap)})
    arguments = dict(
        geometry=Geometry(image_size=8, short_side=8), sigma_px=0.0, batch_size=4, seed=0, epoch=0
    )
    views = all_of(
        pipeline.training_batches(
            examples, crops=800, mirror="none", crop_around="gaze", **arguments
        )
    )
    _, columns = origins(views)
    held = np.logical_or((columns > 12) & (columns < 24), (columns > 82) & (columns < 94))
    assert held.all() and (views["saliency"].max((1, 2, 3)) > 0).all()
    assert (columns > 50).mean() == pytest.approx(0.75, abs=0.06)
    black = source_of([one]).map(lambda x: x | {"heatmap": tf.zeros((8, 120, 1), tf.uint8)})
    assert_same(
        pipeline.training_batches(black, crop_around="gaze", **arguments),
        pipeline.training_batches(black, **arguments),
    )


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(ValueError, match="one of image, gaze; got 'faces'"):
        training(random_examples(4), crop_around="faces")
    source = source_of(random_examples(4)).map(
        lambda one: {key: one[key] for key in ("image", "image/id", "label")}
    )
    with pytest.raises(ValueError, match="need fixations or heatmap"):
        pipeline.training_steps(
            source, sigma_px=0.0, batch_size=2, with_maps=False, crop_around="gaze"
        )
