"""The presets against the paper's numbers, written down here a second time."""

import dataclasses

import pytest

from salclass_tf import config

# stage: learning rate, decay per iteration, momentum, weight decay, batch, source in the paper
PAPER = {
    "saliency_pretrain": (1e-5, 0.0, 0.9, 5e-4, 16),  # "learning rate: 0.00001, ... batch size: 16"
    "saliency": (1e-3, 1e-5, 0.9, 5e-4, 16),  # "0.001 ... l/(1+10^-5 i)"
    "classifier_pretrain": (1e-2, 0.0, 0.9, 5e-4, 32),  # "0.01 to 0.0001", "batch size 32"
    "classifier_rgb": (1e-3, 1e-5, 0.9, 5e-4, 16),
    "classifier": (1e-3, 1e-5, 0.9, 5e-4, 16),  # "batch size of 16"
    "joint": (1e-3, 1e-5, 0.9, 5e-4, 16),  # "a single initial learning rate of 0.001"
}


@pytest.mark.parametrize("name", config.STAGES)
def test_paper_preset_has_the_numbers_of_section_5_2(name):
    stage = config.build_config("paper").stages[name]
    chosen = stage.optimizer
    has = (
        chosen.learning_rate,
        chosen.inverse_decay,
        chosen.momentum,
        chosen.weight_decay[0][1],
        stage.batch_size,
    )
    print(f"{name:20} paper {PAPER[name]}  config {has}")
    assert chosen.name == "sgd" and has == PAPER[name]
    assert (stage.crops, stage.mirror) == (5, "both")
    assert name == "classifier_pretrain" or stage.patience == 10


def test_paper_preset_shares_what_the_paper_shares():
    paper = config.build_config("paper")
    assert (paper.image_size, paper.short_side, paper.width, paper.alpha) == (299, 340, 1.0, 0.2)
    assert (paper.detector, paper.classifier) == ("vgg19", "inception_v3")
    assert paper.detector_weights == "imagenet" and paper.classifier_weights is None
    datasets = {name: stage.dataset for name, stage in paper.stages.items()}
    assert datasets["saliency_pretrain"] == "osie"
    assert datasets["classifier_pretrain"] == "imagenet_without_dogs"
    assert {datasets[name] for name in ("saliency", "classifier", "joint")} == {"saldogs"}


def test_classifier_pretraining_follows_its_schedule():
    stage = config.build_config("paper").stages["classifier_pretrain"]
    assert stage.epochs == 70
    assert stage.optimizer.steps[0] == (0, 1e-2) and stage.optimizer.steps[-1] == (52, 1e-4)
    assert stage.optimizer.weight_decay == ((0, 5e-4), (29, 0.0))


def test_new_parameters_learn_fifty_times_faster_in_the_classifier_stage_alone():
    stages = config.build_config("paper").stages
    factors = {name: stage.optimizer.untrained_multiplier for name, stage in stages.items()}
    assert factors["classifier"] * stages["classifier"].optimizer.learning_rate == 0.05
    assert factors["joint"] == factors["saliency"] == 1


def test_unknown_preset_lists_the_valid_ones():
    with pytest.raises(ValueError, match="demo, paper"):
        config.build_config("dmeo")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"alpha": -1.0}, "alpha"),
        ({"alpha": float("nan")}, "alpha"),
        ({"width": 0.0}, "width"),
        ({"image_size": 400, "short_side": 340}, "short_side"),
        ({"precision": "float64"}, "mixed_bfloat16"),
        ({"max_steps": 0}, "steps"),
    ],
)
def test_run_settings_out_of_range_are_refused(change, named):
    with pytest.raises(ValueError, match=named):
        dataclasses.replace(config.build_config(), **change)


@pytest.mark.parametrize("numbers", [{"epochs": 0}, {"batch_size": -1}, {"learning_rate": 0.0}])
def test_stage_numbers_out_of_range_are_refused(numbers):
    with pytest.raises(ValueError, match="joint must be above 0"):
        config.build_config().override("joint", {}, numbers)


def test_override_changes_the_named_stage_alone():
    before = config.build_config()
    after = before.override("joint", {"alpha": 0.5, "seed": None}, {"learning_rate": 7e-4})
    assert after.alpha == 0.5 and after.seed == before.seed
    assert after.stages["joint"].optimizer.learning_rate == 7e-4
    assert after.stages["saliency"] == before.stages["saliency"]


def test_image_size_keeps_the_ratio_to_the_short_side():
    changed = config.build_config("paper").override("joint", {"image_size": 598}, {})
    assert changed.short_side == 680


def test_classifier_that_the_demo_weights_do_not_fit_is_pretrained():
    changed = config.build_config().override("joint", {"classifier": "vgg16"}, {})
    assert changed.pretrain_classifier and "classifier_pretrain" in changed.prerequisites(
        "classifier"
    )
    assert not config.build_config().pretrain_classifier


def test_dataset_takes_the_place_of_the_tasks():
    stages = config.build_config("demo", "my_gaze").stages
    assert stages["joint"].dataset == stages["saliency"].dataset == "my_gaze"
    assert stages["saliency_pretrain"].dataset == "gaze_critters/free_viewing"


def test_settings_that_do_not_decide_a_stage_are_not_part_of_it():
    one = config.build_config()
    other = one.override("joint", {"alpha": 0.9}, {"epochs": 9})
    assert one.for_stage("saliency") == other.for_stage("saliency")
    assert one.for_stage("joint") != other.for_stage("joint")


def test_saliency_loss_is_that_of_every_stage_with_a_detector():
    run = config.build_config("paper").override("joint", {}, {}, saliency_loss="kl")
    losses = {name: stage.saliency_loss for name, stage in run.stages.items()}
    learning = ("saliency_pretrain", "saliency", "joint")
    assert losses == {name: "kl" if name in learning else "mse" for name in config.STAGES}
    known_by = {name: run.for_stage(name)["stage"].get("saliency_loss") for name in config.STAGES}
    assert known_by == {name: "kl" if name in learning else None for name in config.STAGES}
    assert {s.saliency_loss for s in config.build_config("paper").stages.values()} == {"mse"}


def test_published_recipe_changes_how_saliency_pretrain_trains_and_not_on_what():
    before = config.build_config("paper")
    asked = ("saliency_pretrain", {"detector": "ml_net"}, {"epochs": 3}, "published")
    after = before.override(*asked)
    stage = after.stages["saliency_pretrain"]
    assert (stage.batch_size, stage.saliency_loss, stage.epochs) == (10, "weighted_error", 3)
    assert stage.dataset == "osie" and stage.validation_share == 0.1
    assert after.detector_options["ml_net"] == {"prior_decay": 1 / 48}
    others = set(config.STAGES) - {"saliency_pretrain"}
    assert all(after.stages[name] == before.stages[name] for name in others)
    assert before.override(*asked, "kl").stages["saliency_pretrain"].saliency_loss == "kl"


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        (("classifier", {}, {}, "published"), "--stage=classifier --recipe=published"),
        (("saliency", {"pretrain_detector": False}, {}, "published"), "does not make"),
        (("joint", {"detector": "edn"}, {}, "published"), r"edn_search\.fit"),
        (("joint", {"detector": "mine"}, {}, "published"), "'mine' has no published .*vgg19 have"),
        (("joint", {}, {}, "publishd"), "recipe is one of .*published.*; got 'publishd'"),
        (("classifier_rgb", {}, {}, "common", "kl"), "--saliency_loss=kl"),
    ],
)
def test_losses_and_recipes_that_contradict_the_stage_are_refused(asked, named):
    with pytest.raises(ValueError, match=named):
        config.build_config().override(*asked)


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ((["0", "1"], "saliency", None), "--stage=saliency --sweep_alpha=0,1"),
        ((["0", "1"], "joint", 0.2), "--alpha=0.2 --sweep_alpha=0,1"),
        ((["0", "high"], "joint", None), "got --sweep_alpha=0,high"),
    ],
)
def test_sweep_that_contradicts_other_flags_is_refused(asked, named):
    with pytest.raises(ValueError, match=named):
        config.sweep_values(*asked)


def test_sweep_is_read_as_numbers():
    assert config.sweep_values(["0", "0.05", "1"], "joint", None) == (0.0, 0.05, 1.0)
    assert config.sweep_values(None, "saliency", 0.2) is None


def test_recipes_for_real_gaze_do_not_inherit_the_demos_small_pictures():
    osie, birds = (config.build_config("demo", name) for name in ("osie", "cub_gha"))
    assert (osie.image_size, osie.short_side) == (299, 340)
    assert (birds.image_size, birds.short_side, birds.width) == (224, 255, 1.0)
    assert list(osie.stages) == ["saliency_pretrain"]  # its pictures have no classes
    assert birds.prerequisites("joint") == ("saliency", "classifier_rgb", "classifier")
    assert birds.prerequisites("saliency") == birds.prerequisites("classifier") == ()
