"""The presets against the paper's numbers, written down here a second time."""

import dataclasses

import pytest

from salclass_tf import config

SILENT = "-"  # where the paper says nothing, and this code has a choice of its own

#: number of a stage -> (what Sec. 5.2 says of it, what that is), for all stages
ALL = {
    "dataset": ("fine-tuned on SalDogs-train", "saldogs"),
    "optimizer.name": ("mini-batch SGD optimization", "sgd"),
    "optimizer.learning_rate": ("initialized to 0.001", 1e-3),
    "optimizer.inverse_decay": ("l/(1+10^-5 i)", 1e-5),
    "optimizer.steps": (SILENT, ()),
    "optimizer.staircase": (SILENT, None),
    "optimizer.final_learning_rate": (SILENT, None),
    "optimizer.momentum": ("momentum: 0.9", 0.9),
    "optimizer.final_momentum": (SILENT, None),
    "optimizer.nesterov": (SILENT, False),
    "optimizer.weight_decay": ("weight decay: 0.0005", ((0, 5e-4),)),
    "optimizer.dampening": (SILENT, 0.0),
    "optimizer.untrained_multiplier": (SILENT, 1.0),
    "optimizer.bias_multiplier": (SILENT, 1.0),
    "epochs": ("converged in 70-120 epochs", 200),
    "batch_size": ("batch size: 16", 16),
    "crops": ("five 299x299 crops", 5),
    "mirror": ("plus the corresponding horizontal flips", "both"),
    "patience": ("both had not improved for 10 consecutive epochs", 10),
    "validation_share": (SILENT, 0.1),  # SalDogs and ImageNet have a validation part
    "frozen": (SILENT, ""),
    "geometry": (SILENT, None),
    "saliency_loss": ("mean square error, Eq. 3", "mse"),
    "iterations": (SILENT, None),
    "crop_around": (SILENT, "image"),
    "attention_loss": (SILENT, 0.0),
    "fixed_views": (SILENT, False),
}
#: what is different in single stages
NEW = {
    "optimizer.untrained_multiplier": ("0.05 for the untrained, 0.001 for the others", 0.05 / 1e-3)
}
OF_STAGE = {
    "saliency_pretrain": {
        "dataset": ("pre-training on OSIE", "osie"),
        "optimizer.learning_rate": ("learning rate: 0.00001", 1e-5),
        "optimizer.inverse_decay": (SILENT, 0.0),
    },
    "saliency": {},
    "classifier_pretrain": {
        "dataset": ("the de-duped version of ImageNet", "imagenet_without_dogs"),
        "optimizer.learning_rate": ("from 0.01", 1e-2),
        "optimizer.inverse_decay": (SILENT, 0.0),
        "optimizer.steps": (
            "from 0.01 to 0.0001 over the first 53 epochs",
            ((0, 0.01), (18, 0.005), (29, 0.001), (43, 0.0005), (52, 0.0001)),
        ),
        "optimizer.weight_decay": (
            "0.0005 up to the 30th epoch (and 0 afterwards)",
            ((0, 0.0005), (29, 0.0)),
        ),
        "epochs": ("for 70 epochs", 70),
        "batch_size": ("batch size 32", 32),
        "patience": ("only the fine-tuning stages stop early", 70),
    },
    "classifier_rgb": NEW,
    "classifier": NEW,
    "classifier_rgb_longer": {},
    "joint": {},
}
#: number of the whole run -> the same
RUN = {
    "detector": ("a pre-trained VGG-19", "vgg19"),
    "detector_weights": ("a pre-trained VGG-19", "imagenet"),
    "detector_options": (SILENT, {}),
    "classifier": ("a regular Inception network", "inception_v3"),
    "classifier_weights": ("from scratch", None),
    "classifier_options": (SILENT, {}),
    "pretrain_detector": ("initial pre-training stage on OSIE", True),
    "pretrain_classifier": ("initially pre-trained", True),
    "compare_rgb": ("Table 5, 3 channels", True),
    "width": ("VGG-19, Inception", 1.0),
    "image_size": ("299x299 crops", 299),
    "short_side": ("340 pixels on the short side", 340),
    "alpha": ("The alpha value was set to 0.2", 0.2),
    "max_steps": (SILENT, None),
    "map_scale": (SILENT, "none"),
    "fit_map_normalization": (SILENT, False),
    "fit_statistics": (SILENT, False),
    "cache_features": (SILENT, "none"),
}


def flat(values, prefix=""):
    """Nested dicts as one, with dots in the names."""
    rows = {}
    for name, value in values.items():
        inner = isinstance(value, dict) and not name.endswith("_options")
        rows |= flat(value, f"{prefix}{name}.") if inner else {f"{prefix}{name}": value}
    return rows


def test_paper_preset_is_what_the_paper_says():
    has = flat(dataclasses.asdict(config.build_config("paper")))
    of_run = {"preset": (SILENT, "paper"), "seed": (SILENT, 0), "precision": (SILENT, "auto")}
    of_run["compile"] = (SILENT, "auto")
    says = RUN | of_run
    for stage in config.STAGES:
        says |= {f"stages.{stage}.{name}": row for name, row in (ALL | OF_STAGE[stage]).items()}
    lines = [f"{'number':45} {'paper says':50} {'that is':30} config has"]
    for key, (words, value) in says.items():
        wrong = "" if has.get(key) == value else "  <- WRONG"
        if words != SILENT or wrong:
            name = key.removeprefix("stages.")
            lines.append(f"{name:45} {words:50} {value!s:30} {has.get(key)!s}{wrong}")
    print("\n".join(lines))
    assert has.keys() == says.keys()
    assert [line for line in lines if line.endswith("WRONG")] == []


def test_unknown_preset_lists_the_valid_ones():
    with pytest.raises(ValueError, match="demo, paper"):
        config.build_config("dmeo")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"alpha": -1.0}, "alpha"),
        ({"alpha": float("nan")}, "alpha"),
        ({"alpha": float("inf")}, "alpha"),
        ({"seed": -1}, "seed must be at least 0; got -1"),
        ({"width": 0.0}, "width"),
        ({"image_size": 400, "short_side": 340}, "short_side"),
        ({"precision": "float64"}, "mixed_bfloat16"),
        ({"compile": "yes"}, "xla"),
        ({"cache_features": "ram"}, "memory"),
        ({"max_steps": 0}, "steps"),
    ],
)
def test_run_settings_out_of_range_are_refused(change, named):
    with pytest.raises(ValueError, match=named):
        dataclasses.replace(config.build_config(), **change)


def test_mirrors_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match=r"mirror of stage joint is one of .*'random'.*got 'all'"):
        config.build_config().override("joint", {}, {"mirror": "all"})


@pytest.mark.parametrize("numbers", [{"epochs": 0}, {"batch_size": -1}, {"learning_rate": 0.0}])
def test_stage_numbers_out_of_range_are_refused(numbers):
    with pytest.raises(ValueError, match="joint must be above 0"):
        config.build_config().override("joint", {}, numbers)


@pytest.mark.parametrize(
    ("number", "named"),
    [
        ({"learning_rate": float("nan")}, "learning rate of stage joint .* got nan"),
        ({"learning_rate": float("inf")}, "learning rate of stage joint .* got inf"),
        ({"steps": ((0, 0.1), (3, -0.01))}, "learning rate of stage joint .* got -0.01"),
        ({"inverse_decay": -1e-5}, "decays of stage joint .* got -1e-05"),
        ({"weight_decay": ((0, 5e-4), (2, -1.0))}, "decays of stage joint .* got -1.0"),
        ({"untrained_multiplier": -50.0}, "untrained_multiplier of stage joint .* got -50.0"),
    ],
)
def test_rates_and_decays_out_of_range_are_refused(number, named):
    before = config.build_config()
    optimizer = dataclasses.replace(before.stages["joint"].optimizer, **number)
    stage = dataclasses.replace(before.stages["joint"], optimizer=optimizer)
    with pytest.raises(ValueError, match=named):
        dataclasses.replace(before, stages=before.stages | {"joint": stage})


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
    assert birds.prerequisites("joint") == ("saliency", "classifier_rgb_longer", "classifier")
    assert birds.prerequisites("saliency") == birds.prerequisites("classifier_rgb") == ()


def _rates(*stages):
    """The learning rate of each epoch of stages that follow one another."""
    found = []
    for stage in stages:
        steps = dict(stage.optimizer.steps) or {0: stage.optimizer.learning_rate}
        for epoch in range(stage.epochs):
            found.append(steps[max(first for first in steps if first <= epoch)])
    return found


def _assert_twins_learn_alike(stages):
    """RGB alone sees as many crops at the same rates as the network that it stands beside."""
    pairs = (("classifier_rgb", "classifier"), ("classifier_rgb_longer", "joint"))
    for twin, other in pairs:
        one, two = (dataclasses.asdict(stages[name]) for name in (twin, other))
        assert one | {"frozen": two["frozen"]} == two


@pytest.mark.parametrize(
    ("preset", "dataset"),
    [
        *[("demo", None), ("demo", "cub_gha"), ("demo", "cub_gha/birds"), ("demo", "gaze_folder")],
        *[("paper", None), ("paper", "salbirds")],
    ],
)
def test_rgb_twins_share_the_schedule_of_what_they_are_compared_with(preset, dataset):
    chosen = config.build_config(preset, dataset)
    _assert_twins_learn_alike(chosen.stages)
    numbers = {"epochs": 7, "learning_rate": 0.5, "batch_size": 4}
    for stage in ("classifier", "joint"):
        asked = chosen.override(stage, {"detector": "salnet"}, numbers).stages
        assert asked[stage].epochs == 7
        _assert_twins_learn_alike(asked)


def test_demo_spares_a_vgg_from_scratch_the_rates_at_which_it_dies():
    demo = config.build_config()
    spared = demo.override("joint", {"classifier": "vgg19"}, {})
    assert spared.pretrain_classifier
    for stage in ("classifier_pretrain", "classifier", "classifier_rgb"):
        optimizer = spared.stages[stage].optimizer
        assert (optimizer.learning_rate, {rate for _, rate in optimizer.steps} - {2e-4}) == (
            2e-4,
            set(),
        )
    assert spared.stages["saliency"] == demo.stages["saliency"]  # a VGG too, with another loss
    asked = demo.override("classifier", {"classifier": "vgg19"}, {"learning_rate": 5e-4})
    assert asked.stages["classifier"].optimizer.learning_rate == 5e-4


def test_demo_spares_salnet_the_rates_at_which_it_dies():
    demo = config.build_config("demo")
    spared = demo.override("joint", {"detector": "salnet"}, {})
    for name, rate in (("saliency_pretrain", 7e-4), ("saliency", 7e-4), ("joint", 2e-4)):
        assert _rates(demo.stages[name])[0] == rate
        assert _rates(spared.stages[name]) == [1e-4] * demo.stages[name].epochs
    assert spared.stages["classifier"] == demo.stages["classifier"]
    paper = config.build_config("paper")
    assert paper.override("joint", {"detector": "salnet"}, {}).stages == paper.stages


def test_every_study_has_a_folder_of_its_own(tmp_path):
    folder = config.default_workdir("demo", "gaze_folder", str(tmp_path / "first_study/"))
    assert folder == "runs/demo-gaze_folder-first_study"
    assert config.default_workdir("demo", "osie", str(tmp_path)) == "runs/demo-osie"
    assert config.default_workdir("paper", "figrim/targets", None) == "runs/paper-figrim-targets"
    assert config.default_workdir("demo", None, str(tmp_path)) == "runs/demo"


def test_another_rate_keeps_the_way_to_the_final_one():
    flags = ("saliency_pretrain", {"detector": "junting"}, {"learning_rate": 0.01}, "published")
    optimizer = config.build_config("demo", "osie").override(*flags).stages[flags[0]].optimizer
    assert optimizer.learning_rate == 0.01
    assert optimizer.final_learning_rate == pytest.approx(0.01 * 1e-4 / 0.05)  # as the authors'


def test_another_rate_scales_the_whole_schedule():
    paper = config.build_config("paper").override(
        "classifier_pretrain", {}, {"learning_rate": 2e-2}
    )
    optimizer = paper.stages["classifier_pretrain"].optimizer
    epochs, rates = zip(*optimizer.steps, strict=True)
    assert epochs == (0, 18, 29, 43, 52) and optimizer.learning_rate == 2e-2
    assert rates == pytest.approx([2e-2, 1e-2, 2e-3, 1e-3, 2e-4])  # twice the paper's
    demo = config.build_config("demo").override("saliency", {}, {"learning_rate": 7e-5})
    rates = dict(demo.stages["saliency"].optimizer.steps)
    assert rates == pytest.approx({0: 7e-5, 3: 2e-5})


@pytest.mark.parametrize("preset", config.PRESETS)
@pytest.mark.parametrize("stage", config.STAGES)
@pytest.mark.parametrize("dataset", ["my_gaze", "cub_gha"])
def test_dataset_reaches_the_stage_that_was_asked_for(preset, stage, dataset):
    before, asked = config.build_config(preset), config.build_config(preset, dataset, stage)
    assert asked.stages[stage].dataset == dataset
    others = {"saliency_pretrain", "classifier_pretrain"} - {stage}
    assert all(asked.stages[n].dataset == before.stages[n].dataset for n in others)


def test_numbers_and_options_that_were_asked_for_reach_the_stage():
    numbers = {"patience": 3, "frozen": "block1", "optimizer": {"name": "sgd", "dampening": 0.9}}
    options = {"detector": {"convolutions": 13}, "classifier": {"bn_momentum": 0.9}}
    before = config.build_config()
    after = before.override("joint", {}, numbers, options=options)
    stage = after.stages["joint"]
    assert (stage.patience, stage.frozen) == (3, "block1")
    assert (stage.optimizer.name, stage.optimizer.dampening) == ("sgd", 0.9)
    assert after.detector_options["vgg19"] == {"convolutions": 13}
    known = before.classifier_options["inception_v3"]
    assert after.classifier_options["inception_v3"] == known | {"bn_momentum": 0.9}
    assert after.for_stage("joint")["detector_options"] == {"convolutions": 13}
    assert after.stages["saliency"] == before.stages["saliency"]
    with pytest.raises(ValueError, match="stage classifier has no detector .*convolutions=13"):
        before.override("classifier", {}, {}, options=options)


def test_infinite_width_is_refused():
    with pytest.raises(ValueError, match="width must be above 0 and finite; got inf"):
        config.build_config().override("joint", {"width": float("inf")}, {})


def test_near_preset_is_suggested():
    with pytest.raises(ValueError, match=r"'dmeo' \(nearest: demo\)"):
        config.build_config("dmeo")


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        (
            {"dampening": 0.9},
            "joint .* adam, which has no dampening: leave out dampening, or .*=sgd,dampening=",
        ),
        (
            {"name": "sgd", "momentum": 1.0},
            r"momentum of stage joint must lie in \[0, 1\); got 1.0",
        ),
        ({"name": "sgd", "dampening": -0.1}, r"dampening of stage joint .*got -0.1"),
        ({"untrained_multiplier": 9.0}, r"joint starts from trained parts: .*multiplier=9\.0"),
    ],
)
def test_numbers_that_an_optimizer_does_not_have_are_refused(asked, named):
    with pytest.raises(ValueError, match=named):
        config.build_config().override("joint", {}, {"optimizer": asked})
