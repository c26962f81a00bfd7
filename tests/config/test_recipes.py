"""The published training recipes against the fact sheet's numbers, written down a second time."""

import dataclasses
import itertools
import pathlib
import re

import numpy as np
import pytest

from salclass_tf import config, losses
from salclass_tf.config import recipes
from salclass_tf.detectors import build_detector, list_detectors
from salclass_tf.model import DetectorModel
from salclass_tf.training import networks

# Rates as published, and how many times as large they are for our losses: means over the pixels of
# maps in [0, 1]. SalNet: half the sum over 320x240 pixels, maps of deviation 255/128 times ours.
# JuntingNet: maps in [-1, 1]. SALICON: the sum over 38x50 cells.
SCALE = {"salnet": 320 * 240 / 2 * (255 / 128) ** 2, "junting": 4.0, "salicon": 1900.0}

OURS = None  # what nobody has published
# detector: loss, optimizer, rate, momentum, weight decay, batch, epochs, iterations
FACTS = {
    "vgg16": ("mse", "sgd", 1e-5, 0.9, 5e-4, 16, OURS, None),
    "vgg19": ("mse", "sgd", 1e-5, 0.9, 5e-4, 16, OURS, None),
    "salnet": ("mse", "sgd", 1.3e-7, 0.9, 5e-7, 2, ..., 24_000),
    "junting": ("mse", "sgd", 0.05, 0.9, 0.0, 128, 1200, None),
    "salicon": ("cross_entropy", "sgd", 1e-6, 0.9, 5e-4, 1, ..., OURS),
    "ml_net": ("weighted_error", "sgd", 1e-3, 0.9, 0.0, 10, 20, None),
    "deep_fix": ("mse", OURS, OURS, OURS, OURS, OURS, OURS, None),
    "deep_gaze": ("log_likelihood", "adam", OURS, ..., 0.0, OURS, OURS, None),
    "deep_gaze_2": ("log_likelihood", "adam", OURS, ..., 0.0, OURS, OURS, None),
    "pdp": ("bhattacharyya", "sgd", OURS, OURS, OURS, OURS, OURS, None),
    "msi_net": ("kl", "adam", 1e-5, ..., 0.0, 1, 10, None),
}
# What each says beside the table.
MORE = {
    "salnet": {"staircase": (2000, 0.5)},
    "junting": {"nesterov": True, "final_momentum": 0.999, "final_learning_rate": 1e-4 * 4.0},
    "salicon": {"staircase": (4000, 0.1), "bias_multiplier": 2.0},
    "ml_net": {"nesterov": True, "inverse_decay": 5e-4},
}
# Numbers of ours stay as they are too, until somebody means to change them.
CHOSEN = {
    "vgg16": {"epochs": 200},
    "vgg19": {"epochs": 200},
    "salicon": {"iterations": 12_000},
    "deep_fix": {"optimizer": "sgd 1e-05 0.9 0.0005", "batch_size": 16, "epochs": 20},
    "deep_gaze": {"learning_rate": 1e-3, "batch_size": 16, "epochs": 20},
    "deep_gaze_2": {"learning_rate": 1e-3, "batch_size": 16, "epochs": 20},
    "pdp": {
        "learning_rate": 1e-3,
        "momentum": 0.9,
        "weight_decay": ((0, 5e-4),),
        "batch_size": 16,
        "epochs": 20,
    },
}


def chosen_number(recipe, name):
    used = recipe.optimizer
    if name == "optimizer":
        return f"{used.name} {used.learning_rate} {used.momentum} {used.weight_decay[0][1]}"
    return getattr(recipe if hasattr(recipe, name) else used, name)


@pytest.mark.parametrize("name", recipes.list_published())
def test_recipe_has_the_numbers_of_the_fact_sheet(name):
    recipe, scale = recipes.published(name), SCALE.get(name, 1.0)
    used = recipe.optimizer
    has = (
        recipe.saliency_loss,
        used.name,
        used.learning_rate / scale,
        used.momentum,
        used.weight_decay[0][1] * (scale if name == "salicon" else 1.0),
        recipe.batch_size,
        recipe.epochs,
        recipe.iterations,
    )
    print(f"{name:12} fact sheet {FACTS[name]}  config {has}")
    for fact, number in zip(FACTS[name], has, strict=True):
        if fact not in (OURS, ...):
            expected = fact if isinstance(fact, str) else pytest.approx(fact, rel=1e-12)
            assert number == expected
    assert {key: getattr(used, key) for key in MORE.get(name, {})} == MORE.get(name, {})
    assert recipe.epochs >= 1000 or recipe.iterations is None
    assert {key: chosen_number(recipe, key) for key in recipe.ours} == CHOSEN.get(name, {})
    unknown = sum(fact is OURS for fact in FACTS[name]) - (FACTS[name][-1] is None)
    assert bool(unknown) <= bool(recipe.ours), "what is ours has to be listed as such"
    assert recipe.saliency_loss in losses.list_saliency_losses()


def test_recipes_beside_rates():
    assert recipes.published("junting").mirror == "random"  # "half of each batch flipped"
    assert recipes.published("ml_net").patience == 5
    assert recipes.published("ml_net").detector_options == {"prior_decay": 1 / 48}
    section_5_2 = config.build_config("paper").stages["saliency_pretrain"]
    assert recipes.apply(recipes.published("vgg19"), section_5_2) == section_5_2


def test_every_detector_has_a_recipe_but_the_one_that_is_fitted():
    assert set(recipes.list_published()) == set(list_detectors()) - {"edn"} == set(FACTS)


def test_salicon_freezes_the_two_lower_blocks_of_both_trunks_and_hurries_its_biases(tmp_path):
    detector = build_detector("salicon", image_size=64, width=1 / 32)
    stage = recipes.apply(recipes.published("salicon"), config.Stage("any"))
    model = DetectorModel(detector, stage.saliency_loss)
    networks._freeze(model, stage.frozen)
    frozen = {layer.name for layer in detector.layers if layer.weights and not layer.trainable}
    lower = {f"block{block}_conv{i}" for block in (1, 2) for i in (1, 2)}
    assert frozen == lower | {f"coarse_{name}" for name in lower}
    optimizer = networks.build_optimizer(stage, model, 10)
    optimizer.build(model.trainable_variables)
    factors = zip(model.trainable_variables, optimizer._multipliers, strict=True)
    assert all(factor == (2 if v.path.endswith("bias") else 1) for v, factor in factors)


def test_optimizer_of_a_recipe_follows_its_schedules():
    detector = build_detector("vgg16", image_size=32, width=1 / 64)
    model = DetectorModel(detector)

    def at(name, *iterations):
        stage = recipes.apply(recipes.published(name), config.Stage("any"))
        built = networks.build_optimizer(stage, model, steps_per_epoch=7)
        return built, [float(built._learning_rate(i)) for i in iterations]

    _, rates = at("salnet", 0, 1999, 2000, 4000)
    np.testing.assert_allclose(np.divide(rates, rates[0]), [1, 1, 0.5, 0.25])
    _, rates = at("salicon", 0, 4000)
    np.testing.assert_allclose(rates, [1.9e-3, 1.9e-4], rtol=1e-6)
    junting, rates = at("junting", 0, 7 * 600, 7 * 1200)
    np.testing.assert_allclose(rates, [0.2, 0.1002, 4e-4], rtol=1e-5)
    np.testing.assert_allclose(float(junting.momentum(7 * 1200)), 0.999)
    ml_net, rates = at("ml_net", 0, 2000)
    np.testing.assert_allclose(rates, [1e-3, 5e-4], rtol=1e-6)
    assert junting.nesterov and ml_net.nesterov


def test_recipe_fields_reach_the_stage():
    stage = config.Stage("mine", validation_share=0.3)
    recipe = dataclasses.replace(recipes.published("msi_net"), patience=None, epochs=4)
    made = recipes.apply(recipe, stage)
    assert (made.dataset, made.validation_share, made.patience) == ("mine", 0.3, 4)
    assert (made.optimizer, made.batch_size, made.crops) == (recipe.optimizer, 1, 1)


def table(heading):
    """Rows of the documentation's table under a heading that starts so, column -> text."""
    text = (pathlib.Path(__file__).parents[2] / "docs" / "losses.md").read_text()
    lines = text[text.index(heading) :].splitlines()
    names, rows = [], []
    for line in itertools.takewhile(lambda line: line.startswith("|"), lines):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not names:
            names = cells
        elif not set(line) <= set("|-:"):
            rows.append(dict(zip(names, cells, strict=True)))
    return rows


def test_documented_losses_are_those_there_are_and_name_the_recipes_that_use_them():
    rows = {row["`--saliency_loss`"].strip("`"): row["recipe of"] for row in table("| `--sal")}
    users = {name: [] for name in losses.list_saliency_losses()}
    for detector in recipes.list_published():
        users[recipes.published(detector).saliency_loss].append(detector)
    assert rows == {name: ", ".join(sorted(found)) or "-" for name, found in users.items()}


def test_documented_recipes_are_those_there_are():
    rows = {name: row for row in table("| detector") for name in row["detector"].split(", ")}
    assert sorted(rows) == recipes.list_published()
    for name, row in rows.items():
        recipe, used = recipes.published(name), recipes.published(name).optimizer
        assert row["loss"] == f"`{recipe.saliency_loss}`"
        assert int(row["batch"]) == recipe.batch_size
        length = f"{recipe.iterations:,} steps" if recipe.iterations else str(recipe.epochs)
        assert row["epochs"] == length.replace(",", " ")
        assert row["ours"] == (", ".join(recipe.ours) or "-")
        rate = float(
            re.search(r"\d[\d.e-]*", row["optimizer and rate"].replace("Sec. 5.2", "1e-5"))[0]
        )
        assert rate == pytest.approx(used.learning_rate / SCALE.get(name, 1.0))
        kind = "Adam" if used.name == "adam" else "Nesterov" if used.nesterov else "SGD"
        assert row["optimizer and rate"].startswith(kind)
