"""The most active regions against a search of all maps, on tiny networks and images."""

import dataclasses

import evaluated_run
import keras
import numpy as np
import pytest
import tensorflow as tf
from evaluated_run import GEOMETRY, central_crops

from salclass_tf import figures
from salclass_tf.data import sets
from salclass_tf.data.geometry import Geometry
from salclass_tf.evaluation import paper_figures
from salclass_tf.evaluation.activations import choice, feature_layers, regions
from salclass_tf.evaluation.activations.choice import Channel
from salclass_tf.evaluation.methods import find
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet
from salclass_tf.evaluation.methods.method import Method
from salclass_tf.evaluation.paper_figures import Settings


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_data_dir):
    """A run's folder and its networks."""
    workdir = tmp_path_factory.mktemp("runs") / "tiny"
    return workdir, evaluated_run.write_run(workdir, tiny_data_dir)


@pytest.fixture
def crops(tiny_data_dir):
    return EvaluatedSet(sets.open_set("dotted_noise", tiny_data_dir), "test", GEOMETRY)


class Pictures:
    """A data set of given images, in batches; counts how often it is read."""

    title, has_maps, geometry = "pictures", False, Geometry(24, 24)
    signature = {"image": tf.TensorSpec((None, 24, 24, 3), tf.uint8)}

    def __init__(self, images, batch=4):
        """Takes uint8 images [n, 24, 24, 3]."""
        self.images, self.batch, self.times = np.asarray(images, np.uint8), batch, 0

    def read(self, description):
        """Yields the batches."""
        self.times += 1
        for start in range(0, len(self.images), self.batch):
            yield {"image": tf.constant(self.images[start : start + self.batch])}


def of(network):
    return Method("tiny", "tiny.keras", "", network=lambda: network)


PATTERN = np.array([[1, 0, 0, 1, 1], [0, 1, 0, 1, 0], [0, 0, 1, 0, 1]])


def looking_for(pattern):
    """A network whose first map is highest where a pattern of red is; the second is silent."""
    image = keras.Input((24, 24, 3))
    halved = keras.layers.ZeroPadding2D(((1, 1), (2, 2)), name="padded")(image)
    kernel = np.zeros((*pattern.shape, 3, 2), np.float32)
    kernel[..., 0, 0] = 2.0 * pattern - 1
    convolution = keras.layers.Conv2D(2, pattern.shape, activation="relu", name="maps")
    maps = convolution(halved)
    convolution.set_weights([kernel, np.array([0, -1.0], np.float32)])
    logits = keras.layers.Dense(2)(keras.layers.GlobalMaxPooling2D()(maps))
    return keras.Model(image, logits)


def test_a_pattern_is_found_where_it_was_put():
    rng = np.random.default_rng(0)
    images = np.zeros((11, 24, 24, 3), np.uint8)
    images[..., 1:] = rng.integers(0, 256, (11, 24, 24, 2))
    expected = {}
    for index in range(1, 11):
        # Inside, and at the edges: 1 to 10 in brightness.
        row, column = (0, 19) if index == 10 else rng.integers(0, (22, 20))
        images[index, row : row + 3, column : column + 5, 0] = 20 * index * PATTERN
        expected[index] = images[index, row : row + 3, column : column + 5]
    pictures = Pictures(images)
    found = regions.strongest(
        of(looking_for(PATTERN)), [pictures], 4, ["maps"], [Channel(None, 0), Channel("maps", 1)]
    )
    bright, silent = found
    assert [r.activation for [one] in (bright.regions,) for r in one] == [
        20.0 * index * PATTERN.sum() for index in (10, 9, 8, 7)
    ]
    for region, index in zip(bright.regions[0], (10, 9, 8, 7), strict=True):
        np.testing.assert_array_equal(region.pixels, expected[index])
        assert region.pixels.base is None  # holds no batch
    assert silent.channel == 1 and silent.regions == ((),)
    assert pictures.times == 1


def test_what_lies_beyond_the_border_is_moved_inside_and_large_fields_are_cut():
    layer = feature_layers.find(looking_for(PATTERN))["maps"]
    image = np.arange(24 * 24 * 3).reshape(24, 24, 3)
    assert layer.maps.shape[1:3] == (24, 24)
    # Units sit in the middle of 3 x 5 pixels.
    np.testing.assert_array_equal(regions.crop(image, layer, 24 * 9 + 7), image[8:11, 5:10])
    np.testing.assert_array_equal(regions.crop(image, layer, 0), image[:3, :5])
    np.testing.assert_array_equal(regions.crop(image, layer, 24 * 24 - 1), image[-3:, -5:])
    image = np.arange(6 * 4 * 3).reshape(6, 4, 3)
    np.testing.assert_array_equal(regions.crop(image, layer, 24 * 2 + 2), image[1:4, 1:3])
    assert (regions.region_side(13, 24), regions.region_side(12, 24)) == (12, 12)


def all_maps(run, dataset, names):
    """Maps of layers of SalClassNet's classifier, and the images, in the order of the set."""
    joint = run[1]["joint"]
    (batch,) = central_crops(dataset.gaze_set, dataset.split)
    image = tf.cast(batch["image"], tf.float32)
    saliency = joint.detector(image, training=False)
    outputs = [joint.classifier.get_layer(name).output for name in names]
    body = keras.Model(joint.classifier.inputs, outputs)
    maps = keras.tree.flatten(body({"image": image, "saliency": saliency}, training=False))
    return batch["image"].numpy(), [one.numpy() for one in maps]


def test_one_pass_finds_what_a_search_of_all_maps_finds(run, crops):
    names = ["block1_conv1", "block2_conv2"]
    both = [crops, dataclasses.replace(crops, split="train")]
    [method] = find.find(str(run[0] / "joint"))
    channels = [Channel(None, 0), Channel("block2_conv2", 3)]
    found = regions.strongest(method, both, 3, names, channels)
    assert [(one.layer.name, one.channel) for one in found] == [
        ("block1_conv1", 0),
        ("block2_conv2", 0),
        ("block2_conv2", 3),
    ]
    for place, dataset in enumerate(both):
        images, maps = all_maps(run, dataset, names)
        assert len(images) in (6, 12)
        for one in found:
            values = maps[names.index(one.layer.name)][..., one.channel]
            peaks = values.max(axis=(1, 2))
            order = [i for i in np.argsort(-peaks) if peaks[i] > values[i].min()][:3]
            assert len(one.regions[place]) == len(order)
            for region, index in zip(one.regions[place], order, strict=True):
                assert region.activation == pytest.approx(peaks[index], rel=1e-5)
                row, column = np.argwhere(values[index] == peaks[index])[0]
                if one.layer.name == "block1_conv1":
                    row, column = (min(max(at - 1, 0), 37) for at in (row, column))
                    expected = images[index, row : row + 3, column : column + 3]
                    np.testing.assert_array_equal(region.pixels, expected)
                else:
                    # Two convolutions, a pool, two more: 14 pixels around the unit's own 2.
                    row, column = (min(max(2 * at - 6, 0), 26) for at in (row, column))
                    expected = images[index, row : row + 14, column : column + 14]
                    np.testing.assert_array_equal(region.pixels, expected)


def test_maps_are_chosen_on_the_first_set_and_shown_of_all(run, crops, monkeypatch):
    monkeypatch.setattr(regions, "SURVEYED", 1)
    both = [crops, dataclasses.replace(crops, split="train")]
    [method] = find.find(str(run[0] / "joint"))
    found = regions.strongest(method, both, 12, ["block2_conv2"])
    _, [maps] = all_maps(run, crops, ["block2_conv2"])
    chosen = choice.most_varied(maps.max(axis=(1, 2)), 3)
    assert [one.channel for one in found] == chosen
    # What the choice was made by is in the picture too.
    for one in found:
        values = maps[..., one.channel]
        active = values.max(axis=(1, 2)) > values.min(axis=(1, 2))
        assert len(one.regions[0]) == active.sum()
        assert len(one.regions[1]) > 6


def test_most_varied_maps_differ_each_in_its_own_way():
    rng = np.random.default_rng(0)
    ways = rng.normal(size=(50, 3)) * (5, 3, 1)
    peaks = 100 + np.c_[ways[:, 1], 0.5 * ways[:, 0], np.zeros(50), ways[:, 0], ways[:, 2]]
    # Map 1 varies more than map 4, but as map 3 does.
    assert choice.most_varied(peaks, 3) == [3, 0, 4]
    rest = peaks - peaks.mean(0)
    for number in choice.most_varied(peaks, 3):
        assert np.argmax((rest**2).sum(0)) == number
        way = rest[:, number] / np.linalg.norm(rest[:, number])
        rest = rest - np.outer(way, way @ rest)


def test_default_layers_and_named_ones(run):
    known = feature_layers.find(run[1]["joint"].classifier)
    shown = choice.choose(known, (), [Channel("block3_conv1", 2)])
    assert {layer.name: numbers for layer, numbers in shown.items()} == {"block3_conv1": [2]}
    shown = choice.choose(known, ("block2_conv1", "block1_conv1"), [Channel(None, 1)])
    assert [layer.name for layer in shown] == ["block2_conv1", "block1_conv1"]
    assert list(shown.values()) == [[1], [1]]
    spread = feature_layers.spread(known, choice.LAYERS)
    assert [layer.name for layer in choice.choose(known, (), ())] == spread


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layers": ("block9_conv1",)}, "one of .*block1_conv1, .*; got 'block9_conv1'"),
        ({"channels": ("5", "conv:x")}, "mixed7:5; got 'conv:x'"),
        ({"channels": ("-1",)}, "got '-1'"),
        ({"channels": ("block1_conv1:2",)}, "block1_conv1 has the channels 0 to 1; got 2"),
        ({"layers": ("block1_conv1",), "channels": ("block2_conv1:0",)}, "name that layer too"),
    ],
)
def test_what_is_not_there_is_named(run, tmp_path, tiny_data_dir, changes, message):
    settings = Settings(
        figures=("7",),
        models=(str(run[0]),),
        output=tmp_path,
        data_dir=tiny_data_dir,
        **changes,
    )
    with pytest.raises(ValueError, match=message):
        paper_figures.run(settings)


def test_models_that_have_no_maps_to_show_are_refused(run, tmp_path, tiny_data_dir):
    given = {"figures": ("7",), "output": tmp_path, "data_dir": tiny_data_dir}
    with pytest.raises(ValueError, match="is no Keras network that classifies"):
        paper_figures.run(Settings(models=(str(run[0] / "saliency"),), **given))
    (tmp_path / "run" / "joint").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"no finished stage that classifies \(joint, classifier,"):
        paper_figures.run(Settings(models=(str(tmp_path / "run"),), **given))
    with pytest.raises(ValueError, match="are those of Fig. 7; ask for --figure=7"):
        Settings(figures=("5",), models=(), layers=("mixed7",))


def test_broken_weights_and_missing_maps_are_said(run):
    network = looking_for(PATTERN)
    network.get_layer("maps").bias.assign([np.inf, 0])
    with pytest.raises(ValueError, match="must be finite; layer maps of tiny gives others"):
        regions.strongest(of(network), [Pictures(np.zeros((2, 24, 24, 3)))], 1, ["maps"])
    [method] = find.find(str(run[0] / "classifier"))
    with pytest.raises(ValueError, match="reads true maps, which pictures lacks"):
        regions.strongest(method, [Pictures(np.zeros((2, 24, 24, 3)))], 1)


def test_the_picture_shows_the_last_classifier_of_a_run(run, tmp_path, tiny_data_dir, monkeypatch):
    calls = []
    monkeypatch.setattr(figures, "region_grid", lambda *given: calls.append(given) or [])
    settings = Settings(
        figures=("7",),
        models=(f"ours={run[0]}", str(run[0] / "classifier_rgb")),
        datasets=("dotted_noise", "dotted_maps"),
        images=2,
        layers=("block1_conv1", "block3_conv1"),
        output=tmp_path,
        data_dir=tiny_data_dir,
    )
    paper_figures.run(settings)
    (rows, heads, columns, title, path), (*_, second, _) = calls
    assert title.startswith("ours: where feature maps") and second.startswith("vgg16, 3 channels:")
    assert heads == ["dotted_noise/1.0.0 test, 6 images", "dotted_maps/1.0.0 test, 6 images"]
    assert columns == 2 and {len(row.groups) for row in rows} == {2}
    assert path.name == "fig7-ours-dotted_noise-test-dotted_maps-test"
    assert [row.layer for row in rows[:1]] == ["block1_conv1\nsees 3 px"]
    assert rows[-1].layer == "block3_conv1\nsees 24 px\nshown 20 px"
    [method] = find.find(str(run[0] / "joint"))
    crops = EvaluatedSet(sets.open_set("dotted_noise", tiny_data_dir), "test", GEOMETRY)
    found = regions.strongest(method, [crops], 2, settings.layers)
    assert [row.name for row in rows] == [f"channel {one.channel}" for one in found]
    for row, one in zip(rows, found, strict=True):
        for (pixels, below), region in zip(row.groups[0], one.regions[0], strict=True):
            np.testing.assert_array_equal(pixels, region.pixels)
            assert float(below) == pytest.approx(region.activation, rel=0.02, abs=0.006)
