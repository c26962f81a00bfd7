"""A control in which the map is all that tells the answer: does the network read it?"""

import numpy as np
import pytest
import tensorflow as tf

from salclass_tf.classifiers import build_classifier, rgbs
from salclass_tf.detectors import build_detector
from salclass_tf.model import ClassifierModel, SalClassNet
from salclass_tf.optimization.optimizers import Adam
from salclass_tf.training import map_use
from salclass_tf.training.final_scores import Forward, score

SIZE, SQUARE = 32, 12
COLOURS = np.array([[230, 40, 40], [40, 40, 230]])


def attended(count, seed):
    """Pictures of a red and a blue square; the label is the colour of the one looked at."""
    rng = np.random.default_rng(seed)
    images = rng.integers(90, 130, (count, SIZE, SIZE, 3)).astype(np.uint8)
    maps = np.zeros((count, SIZE, SIZE, 1), np.float32)
    labels = np.arange(count) % 2
    for number, label in enumerate(labels):
        sides = (2, SIZE - SQUARE - 2)
        for colour in (0, 1):
            # Which of the two is left is a toss that the label does not know.
            x = sides[colour ^ (number // 2 % 2)]
            y = rng.integers(2, SIZE - SQUARE - 2)
            spot = np.s_[number, y : y + SQUARE, x : x + SQUARE]
            images[spot] = COLOURS[colour]
            if colour == label:
                maps[spot] = 1
    return {"image": images, "saliency": maps, "label": labels.astype(np.int32)}


@pytest.fixture(scope="module")
def trained():
    """A classifier that has learned from true maps, and pictures that it has not seen."""
    tf.keras.utils.set_random_seed(0)
    classifier = build_classifier("vgg16", 2, image_size=SIZE, width=1 / 8, top="pool")
    model = ClassifierModel(classifier)
    model.compile(Adam(1e-3))
    batches = tf.data.Dataset.from_tensor_slices(attended(1600, 0)).batch(16)
    model.fit(batches, shuffle=False, verbose=0)
    return classifier, tf.data.Dataset.from_tensor_slices(attended(64, 1)).batch(16)


def accuracies(network, batches):
    forward = Forward(network)
    counts = map_use.Counts(forward)
    assert score(forward, batches, seen=counts.see).accuracy == counts.accuracies[map_use.OWN]
    return counts.accuracies


def test_network_reads_where_people_look(trained):
    found = accuracies(*trained)
    assert list(found) == [map_use.OWN, map_use.OTHER, map_use.NONE]
    assert found[map_use.OWN] > 0.9
    # The picture before has the other label; half of these lie on the same side as its own.
    assert found[map_use.OTHER] < 0.7 and 0.3 < found[map_use.NONE] < 0.7


def test_control_fails_where_the_fourth_channel_is_cut(trained):
    classifier, batches = trained
    first = rgbs.first_convolution(classifier)
    kernel = first.kernel.numpy()
    cut = kernel.copy()
    cut[:, :, 3] = 0
    first.kernel.assign(cut)
    found = accuracies(classifier, batches)
    first.kernel.assign(kernel)
    assert set(found.values()) == {found[map_use.OWN]} and found[map_use.OWN] < 0.7


def test_joint_network_is_asked_with_four_maps_in_its_own_height(trained):
    detector = build_detector("vgg16", image_size=SIZE, width=1 / 32)
    network = SalClassNet(detector, trained[0], map_scale="peak")
    data = attended(5, 2)
    batches = [{k: tf.constant(v[at]) for k, v in data.items()} for at in (np.s_[:3], np.s_[3:])]
    reader, wanted = map_use.Reader(Forward(network)), map_use.maps_of(network)
    answers = [reader.answers(batch, wanted) for batch in batches]
    found = {which: np.concatenate([part[which] for part in answers]) for which in wanted}
    own = detector(data["image"]).numpy()
    given = {
        map_use.OWN: own,
        map_use.TRUE: data["saliency"],
        map_use.OTHER: own[[2, 0, 1, 2, 3]],  # the first one gets the last of its batch
        map_use.NONE: np.zeros_like(own),
    }
    assert list(found) == list(given)
    for which, maps in given.items():
        read = {"image": tf.constant(data["image"]), "saliency": network.map_scale(maps)}
        np.testing.assert_allclose(found[which], trained[0](read), atol=1e-5)
    # Another set has no maps, its first picture has none before it; both are asked in turns.
    without_maps = {"image": batches[0]["image"]}
    one, other = reader.afresh(), reader.afresh()
    np.testing.assert_array_equal(
        one.answers(without_maps, (map_use.OTHER,))[map_use.OTHER], answers[0][map_use.OTHER]
    )
    other.answers(batches[1], (map_use.OTHER,))
    np.testing.assert_array_equal(
        one.answers(batches[1], (map_use.OTHER,))[map_use.OTHER], answers[1][map_use.OTHER]
    )
