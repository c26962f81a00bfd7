"""Flags that contradict each other or the stage that was asked for."""

from salclass_tf.config.optimizer import ONLY_SGD, Optimizer, require
from salclass_tf.config.stage import CLASSIFIER, DETECTOR, pretraining_of, role


def check(stage: str, run: dict, saliency_loss: str | None, options: dict[str, dict]) -> None:
    """Validates flags against the stage that was asked for.

    Args:
        stage: the stage.
        run: fields of `Config` that were asked for.
        saliency_loss: L_S that was asked for, or None.
        options: "detector", "classifier" -> what was asked for of that network.

    Raises:
        ValueError: naming the rule and the flags.
    """
    for part in (DETECTOR, CLASSIFIER):
        require(
            stage != pretraining_of(part) or run.get(f"pretrain_{part}", True),
            f"stage {stage} cannot be trained with --nopretrain_{part}: leave one of them out",
            f"--stage={stage}",
        )
        require(
            part in role(stage).trains or not options.get(part),
            f"stage {stage} has no {part} that options could change",
            f"--stage={stage} --{part}_options={_written(options.get(part, {}))}",
        )
    pooling = options.get(CLASSIFIER, {}).get("pooling", "mean")
    require(
        role(stage).reads_map or pooling == "mean",
        f"pooling by gaze needs a map, which the classifier of stage {stage} does not read; give "
        "it to stages classifier and joint",
        f"--stage={stage} --classifier_options=pooling={pooling}",
    )
    require(
        role(stage).is_joint or "alpha" not in run,
        "alpha weighs the two errors of stage joint; the other stages have one error",
        f"--stage={stage} --alpha={run.get('alpha')}",
    )
    for name in ("map_scale", "fit_map_normalization"):
        require(
            role(stage).is_joint or name not in run,
            f"{name} is about the parts of stage joint; the other stages have one part",
            f"--stage={stage} --{name}={run.get(name)}",
        )
    require(
        role(stage).trains_detector or saliency_loss is None,
        "a saliency loss is one of the stages in which a detector learns",
        f"--stage={stage} --saliency_loss={saliency_loss}",
    )


def check_views(cache_features: str, fixed_views: bool | None) -> None:
    """Validates that what is kept of views is kept of views that come again.

    Args:
        cache_features: as asked for, not "none".
        fixed_views: as asked for, or None.

    Raises:
        ValueError: if every epoch is to have new views.
    """
    require(
        fixed_views is not False,
        "features are kept of views that are the same in every epoch: leave --nofixed_views out",
        f"--cache_features={cache_features} --nofixed_views",
    )


def check_optimizer(stage: str, optimizer: Optimizer, asked: dict) -> None:
    """Validates what was asked for of an optimizer against which one it is.

    Args:
        stage: the stage.
        optimizer: as it would be.
        asked: fields of `Optimizer` that were asked for.

    Raises:
        ValueError: for numbers that the optimizer does not have, or the stage does not read.
    """
    multiplier = asked.get("untrained_multiplier", 1.0)
    require(
        not role(stage).is_joint or multiplier == 1,
        f"untrained_multiplier is about layers that nothing has trained, and stage {stage} starts "
        "from trained parts: leave it out, or give it to the stages that it starts from",
        f"--stage={stage} --optimizer=...,untrained_multiplier={multiplier}",
    )
    foreign = sorted(set(asked) & ONLY_SGD) if optimizer.name != "sgd" else []
    if foreign:
        names = ", ".join(foreign)
        raise ValueError(
            f"stage {stage} trains with {optimizer.name}, which has no {names}: leave out {names}, "
            f"or ask for SGD: --optimizer=sgd,{foreign[0]}=..."
        )


def sweep_values(
    texts: list[str] | None, stage: str, alpha: float | None
) -> tuple[float, ...] | None:
    """Reads the values of `--sweep_alpha`.

    Args:
        texts: as they stand on the command line, None where there is no such flag.
        stage: the stage asked for.
        alpha: the one alpha asked for, or None.

    Returns:
        The numbers, None where no sweep is asked for.

    Raises:
        ValueError: if one is no number, or the sweep contradicts the other flags.
    """
    if texts is None:
        return None
    written = f"--sweep_alpha={','.join(texts)}"
    require(
        role(stage).is_joint,
        "a sweep of alpha trains stage joint; the other stages have one error",
        f"--stage={stage} {written}",
    )
    require(
        alpha is None,
        "a sweep of alpha names all its values: leave --alpha out",
        f"--alpha={alpha} {written}",
    )
    try:
        return tuple(float(text) for text in texts)
    except ValueError:
        raise ValueError(
            f"a sweep takes numbers, with commas between them; got {written}"
        ) from None


def seed_values(
    texts: list[str] | None, seed: int | None, alphas: list[str] | None
) -> tuple[int, ...] | None:
    """Reads the values of `--seeds`.

    Args:
        texts: as they stand on the command line, None where there is no such flag.
        seed: the one seed asked for, or None.
        alphas: of a sweep that is asked for, or None.

    Returns:
        The numbers, None where there is no such flag.

    Raises:
        ValueError: if one is no whole number of at least 0, is there twice, or the flag
            contradicts others.
    """
    if texts is None:
        return None
    written = f"--seeds={','.join(texts)}"
    require(seed is None, "--seeds names all seeds: leave --seed out", f"--seed={seed} {written}")
    require(alphas is None, "a sweep of alpha has one seed: leave one of both out", written)
    whole = all(text.strip().isdecimal() for text in texts)
    seeds = tuple(map(int, texts)) if whole else ()
    good = len(set(seeds)) == len(seeds) > 0
    require(good, "seeds are whole numbers of at least 0, each once, with commas between", written)
    return seeds


def _written(options: dict) -> str:
    """Options as they stand on the command line."""
    return ",".join(f"{name}={value}" for name, value in options.items())
