"""Views that come again: the same in every epoch, and found again by their numbers."""

import numpy as np
import pytest
from ragged_examples import GEOMETRY, all_of, random_examples, source_of

from salclass_tf import config
from salclass_tf.data import fixed_views, pipeline, tickets

COMMON = dict(batch_size=4, seed=7)


def views_of(examples, **changes):
    given = COMMON | dict(geometry=GEOMETRY, sigma_px=3.0) | changes
    return all_of(fixed_views.every_view(source_of(examples), **given))


def epoch_of(examples, epoch, **changes):
    given = COMMON | dict(geometry=GEOMETRY, sigma_px=3.0, epoch=epoch, fixed_views=True) | changes
    return all_of(pipeline.training_batches(source_of(examples), **given))


def numbers(images, epoch, **changes):
    given = COMMON | dict(epoch=epoch) | changes
    order = fixed_views.view_order(images, **given)
    return np.concatenate(list(order.as_numpy_iterator()))


@pytest.mark.parametrize(
    "changes",
    [
        {"crops": 2, "mirror": "both"},
        {"crops": 1, "mirror": "random"},
        {"crops": 3, "mirror": "none", "shuffle_views": 5, "shuffle_images": 3},
        {"crops": 2, "mirror": "both", "skip_steps": 3},
        {"crops": 1, "mirror": "random", "skip_steps": 1},
    ],
)
@pytest.mark.parametrize("epoch", [0, 4])
def test_an_epoch_is_made_of_the_views_that_its_order_names(changes, epoch):
    examples = random_examples(9)
    shown = epoch_of(examples, epoch, **changes)
    order = numbers(9, epoch, **changes)
    cut = {key: changes[key] for key in ("crops", "mirror")}
    views = views_of(examples, **cut)
    assert len(order) == len(shown["label"]) > 0
    for key, value in shown.items():
        np.testing.assert_array_equal(value, views[key][order], err_msg=key)


def test_epochs_have_the_same_views_in_another_order():
    examples = random_examples(8)
    first, second = (epoch_of(examples, n, crops=2) for n in (0, 1))
    assert not np.array_equal(first["label"], second["label"])
    pictures = [sorted(image.tobytes() for image in one["image"]) for one in (first, second)]
    assert pictures[0] == pictures[1]
    fresh = [sorted(map(bytes, epoch_of(examples, n, fixed_views=False)["image"])) for n in (0, 1)]
    assert fresh[0] != fresh[1]


def test_crops_of_an_image_differ_by_number_by_image_and_by_seed():
    noise = random_examples(1)[0]
    twice = [noise, noise | {"image/id": "again"}]
    views = views_of(twice, crops=5, mirror="none")["image"]
    other = views_of(twice, crops=5, mirror="none", seed=8)["image"]
    by_image = [views[:5], views[5:], other[:5], other[5:]]
    assert len({images.tobytes() for images in by_image}) == 4
    assert len({image.tobytes() for image in views[:5]}) > 1
    mirrored = views_of(twice, crops=5, mirror="both")["image"]
    np.testing.assert_array_equal(mirrored[:5], views[:5])
    np.testing.assert_array_equal(mirrored[5:10], views[:5, :, ::-1])


def test_the_names_of_mirrors_are_those_of_a_stage():
    assert tickets.MIRRORS == config.MIRRORS
