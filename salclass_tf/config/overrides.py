"""What a user asked for, put into a configuration."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

from salclass_tf.config import flag_checks, recipes
from salclass_tf.config.optimizer import require
from salclass_tf.config.stage import (
    CLASSIFIER,
    DETECTOR,
    ROLES,
    pretraining_of,
    role,
    twins_of,
)
from salclass_tf.data.geometry import Geometry

if TYPE_CHECKING:
    from salclass_tf.config.config import Config

# At 7e-4 the nine ReLU layers of SalNet, which nothing normalises, output a constant from then on,
# and at 1e-3 the sixteen of a VGG that has learned from random weights.
_HIGHEST_DEMO_RATES = {DETECTOR: {"salnet": 1e-4}, CLASSIFIER: {"vgg16": 2e-4, "vgg19": 2e-4}}


def override(
    config: Config,
    stage: str,
    run: dict,
    numbers: dict,
    recipe: str = "common",
    saliency_loss: str | None = None,
    options: dict[str, dict] | None = None,
    fixed_views: bool | None = None,
) -> Config:
    """Returns the configuration with what a user asked for; None stands for "not asked".

    Args:
        config: the configuration.
        stage: the stage that `numbers` are for.
        run: values of `Config`'s own fields. Another image size keeps the ratio to the short side;
            a classifier that the demo weights do not fit is pretrained instead.
        numbers: numbers of the stage, and of the twin that is compared with it, by the names of
            `Stage`'s fields, those of `optimizer` by the names of `Optimizer`'s; `learning_rate`
            is its first rate and scales the schedule.
        recipe: one of `recipes.RECIPES`; "published" has `saliency_pretrain` train as the
            detector's authors did, with their loss.
        saliency_loss: L_S of every stage in which a detector learns, in place of a recipe's own.
        options: "detector", "classifier" -> more arguments of the builder of that network.
        fixed_views: whether the stages of the task, and the one asked for, show the same views in
            every epoch; None does if features of them are to be kept.

    Raises:
        ValueError: if a value is out of its range, or contradicts the stage.
    """
    run = {name: value for name, value in run.items() if value is not None and name != "stages"}
    options = options or {}
    flag_checks.check(stage, run, saliency_loss, options)
    if run.get("cache_features", "none") != "none":
        flag_checks.check_views(run["cache_features"], fixed_views)
        fixed_views = True
    if "image_size" in run:
        sizes = Geometry(config.image_size, config.short_side)
        run["short_side"] = sizes.with_image_size(run["image_size"]).short_side
    changed = _with_highest_rates(dataclasses.replace(config, **_fitting_weights(config, run)))
    if recipe != "common":
        changed = _with_recipe(changed, stage, recipe)
    if saliency_loss is not None:
        changed = _with_loss(changed, saliency_loss)
    if fixed_views is not None:
        changed = _with_views(changed, stage, fixed_views)
    for part, asked in options.items():
        changed = _with_options(changed, part, asked)
    return _with_numbers(changed, stage, numbers)


def _fitting_weights(config: Config, run: dict) -> dict:
    """Adds pretraining where the demo's weights do not fit the classifier that was asked for."""
    other = any(
        run.get(name, getattr(config, name)) != getattr(config, name)
        for name in ("classifier", "width")
    )
    if other and config.classifier_weights == "demo" and "classifier_weights" not in run:
        return {"classifier_weights": None, "pretrain_classifier": True} | run
    return run


def _with_highest_rates(config: Config) -> Config:
    """Keeps the demo's networks from rates at which networks of their kind die."""
    if config.preset != "demo":
        return config
    detector = _HIGHEST_DEMO_RATES[DETECTOR].get(config.detector, math.inf)
    classifier = _HIGHEST_DEMO_RATES[CLASSIFIER].get(config.classifier, math.inf)
    stages = {}
    for name, spec in config.stages.items():
        # Twins learn at the same rates.
        roles = [ROLES[one] for one in (name, ROLES[name].twin_of) if one]
        highest = min(
            detector if any(one.trains_detector for one in roles) else math.inf,
            classifier if any(one.trains_classifier for one in roles) else math.inf,
        )
        stages[name] = dataclasses.replace(spec, optimizer=spec.optimizer.capped(highest))
    return dataclasses.replace(config, stages=stages)


def _with_loss(config: Config, loss: str) -> Config:
    """Gives every stage in which a detector learns another L_S."""
    return _of_detectors(config, lambda spec: dataclasses.replace(spec, saliency_loss=loss))


def _with_views(config: Config, stage: str, fixed: bool) -> Config:
    """Fixes the views of every stage of the task, so that twins have the same, or frees them."""
    changed = {
        name: dataclasses.replace(spec, fixed_views=fixed)
        for name, spec in config.stages.items()
        if name == stage or not ROLES[name].own_dataset
    }
    return dataclasses.replace(config, stages=config.stages | changed)


def _of_detectors(config: Config, change) -> Config:
    """Changes every stage in which a detector learns."""
    changed = {
        name: change(spec) for name, spec in config.stages.items() if ROLES[name].trains_detector
    }
    return dataclasses.replace(config, stages=config.stages | changed)


def _with_recipe(config: Config, stage: str, recipe: str) -> Config:
    """Has `saliency_pretrain` train as the detector's authors did."""
    require(recipe in recipes.RECIPES, f"recipe is one of {recipes.RECIPES}", recipe)
    name = pretraining_of(DETECTOR)
    trained = role(stage).trains_detector and (stage == name or config.pretrain_detector)
    require(
        trained and name in config.stages,
        f"a published recipe is one of stage {name}, which this run does not make",
        f"--stage={stage} --recipe={recipe}",
    )
    chosen = recipes.published(config.detector)
    changed = _with_options(config, DETECTOR, chosen.detector_options)
    trained_so = recipes.apply(chosen, config.stages[name])
    return dataclasses.replace(changed, stages=config.stages | {name: trained_so})


def _with_options(config: Config, part: str, asked: dict) -> Config:
    """Adds arguments of the builder of a part's network."""
    known, name = getattr(config, f"{part}_options"), getattr(config, part)
    merged = known | {name: known.get(name, {}) | asked}
    return dataclasses.replace(config, **{f"{part}_options": merged})


def _with_numbers(config: Config, stage: str, numbers: dict) -> Config:
    """Changes numbers of one stage and of its twin; None stands for "not asked"."""
    numbers = {name: value for name, value in numbers.items() if value is not None}
    spec = config.stages.get(stage)
    if spec is None or not numbers:
        return config
    optimizer = spec.optimizer
    if "optimizer" in numbers:
        asked = numbers.pop("optimizer")
        optimizer = dataclasses.replace(optimizer, **asked)
        flag_checks.check_optimizer(stage, optimizer, asked)
    if "learning_rate" in numbers:
        optimizer = optimizer.at_rate(numbers.pop("learning_rate"))
    same = numbers | {"optimizer": optimizer}
    for name in (stage, *twins_of(stage)):  # an error names the stage that was asked for
        if name in config.stages:
            changed = dataclasses.replace(config.stages[name], **same)
            config = dataclasses.replace(config, stages=config.stages | {name: changed})
    return config
