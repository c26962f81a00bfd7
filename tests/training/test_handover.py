"""What one stage hands to the next is what its file holds, and computes the same."""

import dataclasses
import json
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from salclass_tf import config
from salclass_tf.devices import Placement
from salclass_tf.runs.finished_stage import KEPT, FinishedStage
from salclass_tf.training import handover, networks, plan
from salclass_tf.training.final_scores import Forward

SIZE = 76
BATCH = {
    "image": np.random.default_rng(0).integers(0, 256, (4, SIZE, SIZE, 3)).astype(np.uint8),
    "label": np.array([0, 1, 2, 0], np.int32),
}


@pytest.fixture
def run(tmp_path, request):
    """The two jobs of a classifier that is trained in two stages; a small one without a name."""
    name = getattr(request, "param", "vgg16")
    settings = dataclasses.replace(
        config.build_config(),
        classifier=name,
        classifier_options={"vgg16": {"top": "pool"}},
        classifier_weights=None,
        pretrain_classifier=False,
        width=1 / 32,
        image_size=SIZE,
        short_side=SIZE,
    )
    names = ("classifier_rgb", "classifier_rgb_longer")
    jobs = [plan.job(settings, name, tmp_path, asked_for=False) for name in names]
    jobs[0].folder.mkdir()
    return types.SimpleNamespace(settings=settings, jobs=jobs)


def begun(run, job, handed=networks._nothing):
    """The model of a stage, ready to be trained."""
    keras.utils.set_random_seed(0)
    model = networks.build_model(run.settings, job.name, job.workdir, 3, handed)
    model.compile(networks.build_optimizer(run.settings.stages[job.name], model, 10))
    return model


def steps(model):
    """Two training steps as the loop takes them."""
    networks.fuse_normalizations(model)
    step = tf.function(model.train_step, autograph=False)
    return [float(step(BATCH)["step_loss"]) for _ in range(2)]


def left(run, strategy=None, workers=1, trained=False):
    """A handover to which the first stage has left its network, and that network's answers."""
    strategy = strategy or tf.distribute.get_strategy()
    placement = Placement(strategy, "for a test", workers=workers)
    passing = handover.Handover(run.jobs, placement)
    model = begun(run, run.jobs[0])
    if trained:
        steps(model)
    model.classifier.save(run.jobs[0].folder / KEPT)
    forward = Forward(model.classifier)
    if trained:
        forward(BATCH)
    passing.leave(run.jobs[0], forward, by_xla=False)
    return passing, forward


@pytest.mark.slow
@pytest.mark.usefixtures("without_graphs")
@pytest.mark.parametrize("run", ["mobilenet_v2"], indirect=True)
def test_handed_network_is_trained_on_as_the_one_that_is_read(run):
    passing, forward = left(run, trained=True)
    handed, read = begun(run, run.jobs[1], passing.take), begun(run, run.jobs[1])
    assert handed.classifier is forward.network and read.classifier is not forward.network
    for one, other in zip(handed.classifier.layers, read.classifier.layers, strict=True):
        assert json.dumps(one.get_config()) == json.dumps(other.get_config())  # tuples are lists
    assert [v.path for v in handed.variables] == [v.path for v in read.variables]
    np.testing.assert_equal(handed.get_weights(), read.get_weights())
    # Before the loop fuses them, normalisations compute as Keras' own: as in what is read.
    for model in (handed, read):
        model.plain = model.classifier(BATCH["image"], training=False).numpy()
    np.testing.assert_array_equal(handed.plain, read.plain)
    answers = passing.forward_of(handed.classifier, by_xla=False)
    assert answers is forward
    assert steps(handed) == steps(read)
    np.testing.assert_equal(handed.get_weights(), read.get_weights())
    np.testing.assert_equal(handed.optimizer.iterations.numpy(), read.optimizer.iterations.numpy())
    np.testing.assert_array_equal(
        answers(BATCH)["logits"], Forward(read.classifier)(BATCH)["logits"]
    )


def test_network_is_handed_over_once_and_only_as_its_file_has_it(run):
    passing, _ = left(run)
    folder = run.jobs[0].folder
    assert passing.take([run.jobs[1].folder]) == [None]
    assert passing.take([folder]) != [None] and passing.take([folder]) == [None]
    passing, forward = left(run)
    weights = forward.network.get_weights()
    forward.network.set_weights([2 * one for one in weights])
    forward.network.save(folder / KEPT)  # another one than was left
    assert passing.take([folder]) == [None]


def test_of_two_networks_those_after_one_that_is_read_are_handed_over(run):
    folders = [job.folder for job in run.jobs]
    passing, forward = left(run)
    # The second was not left: it is read, and draws what comes after the first one's reading.
    assert passing.take(folders) == [None, None]
    answers = passing.forward_of(forward.network, by_xla=False)
    assert answers is not forward  # it was not taken
    passing, forward = left(run)
    assert passing.take(folders[::-1]) == [None, forward.network]
    assert passing.forward_of(forward.network, by_xla=False) is forward
    passing, forward = left(run)
    passing._left[folders[1]] = passing._left[folders[0]]
    folders[1].mkdir()
    (folders[1] / KEPT).write_bytes((folders[0] / KEPT).read_bytes())
    assert passing.take(folders) == [forward.network] * 2


def test_what_only_gives_its_weights_by_name_is_not_kept(run):
    settings = dataclasses.replace(run.settings, pretrain_classifier=True)
    names = ("classifier_pretrain", "classifier_rgb")
    jobs = [plan.job(settings, name, run.jobs[0].workdir, asked_for=False) for name in names]
    passing = handover.Handover(jobs, Placement(tf.distribute.get_strategy(), "for a test"))
    jobs[0].folder.mkdir()
    network = keras.Sequential([keras.Input((SIZE, SIZE, 3)), keras.layers.Conv2D(2, 3)])
    network.save(jobs[0].folder / KEPT)
    passing.leave(jobs[0], Forward(network), by_xla=False)
    assert passing.take([jobs[0].folder]) == [None]


def test_nothing_is_handed_over_that_goes_on_differently(run, two_replicas):
    folder = run.jobs[0].folder
    for passing, _ in (left(run, workers=2), left(run, two_replicas)):
        assert passing.take([folder]) == [None]
    image = keras.Input((SIZE, SIZE, 3))
    dropout = keras.layers.Dropout(0.5)(keras.layers.GlobalAveragePooling2D()(image))
    network = keras.Model(image, keras.layers.Dense(3)(dropout))  # its seeds have moved
    network.save(folder / KEPT)
    passing = handover.Handover(run.jobs, Placement(tf.distribute.get_strategy(), "for a test"))
    passing.leave(run.jobs[0], Forward(network), by_xla=False)
    assert passing.take([folder]) == [None]
    assert FinishedStage(folder).weights_identity is not None


def test_answers_traced_beside_other_steps_are_not_taken(run):
    passing, forward = left(run)
    [network] = passing.take([run.jobs[0].folder])
    assert passing.forward_of(network, by_xla=True) is not forward


def test_whole_network_knows_the_answers_of_its_handed_part(run):
    passing, forward = left(run)
    [part] = passing.take([run.jobs[0].folder])
    whole = keras.Sequential([keras.Input((SIZE, SIZE, 3)), part])
    answers = passing.forward_of(whole, by_xla=False)
    assert answers.network is whole and answers.of(part) is forward


def test_answers_to_the_same_pictures_are_remembered(run):
    passing, _ = left(run)
    first, second = run.jobs
    passing.remember(first, [{"logits": np.eye(3)}])
    assert passing.remembered(second, first.name)[0]["logits"][0, 0] == 1
    assert passing.remembered(second, second.name) is None
    geometry = dataclasses.replace(run.settings.stages[second.name], geometry=(64, 72))
    stages = run.settings.stages | {second.name: geometry}
    other = dataclasses.replace(second, config=dataclasses.replace(run.settings, stages=stages))
    assert passing.remembered(other, first.name) is None
