"""Networks of three channels that a finished stage is compared with."""

import logging
import pathlib
from collections.abc import Iterator

from salclass_tf.config.stage import ROLES, SCHEDULE, twins_of
from salclass_tf.runs.finished_stage import FinishedStage
from salclass_tf.runs.stage_numbers import numbers_of

_log = logging.getLogger(__name__)

# RGB alone is no such thing where gaze has taught it by a loss.
_ALIKE = (*SCHEDULE, "attention_loss")


def alike(stage: FinishedStage, workdir: pathlib.Path) -> list[FinishedStage]:
    """Returns the finished twins of a stage that have learned by the same schedule and loss.

    A warning names each that has learned by another one, and the remedy.

    Args:
        stage: the stage; it has been begun.
        workdir: where its twins are.

    Raises:
        ValueError: if settings are damaged.
    """
    found = []
    for name in twins_of(stage.name):
        twin = FinishedStage(workdir / name)
        if not twin.is_finished:
            continue
        lines = list(_differences(stage, twin))
        if not lines:
            found.append(twin)
            continue
        _log.warning(
            "%s is no fair comparison for %s and is left out of what the classifier makes of the "
            "map:\n%s\nRemove the folder of the network without maps, so that it is trained again, "
            "or train that stage with the same numbers",
            twin.folder,
            stage.folder,
            "\n".join(lines),
        )
    return found


def _differences(stage: FinishedStage, twin: FinishedStage) -> Iterator[str]:
    """Lines on the numbers in which a stage and its twin, or what they started from, differ."""
    if not (stage.is_begun and twin.is_begun):
        return
    here, there = numbers_of(stage), numbers_of(twin)
    names = ", ".join(name for name in _ALIKE if here[name] != there[name])
    if names:
        yield f"  {twin.folder} and {stage.folder} have learned with other {names}"
    for start in ROLES[twin.name].starts_from:
        before = ROLES[start].twin_of
        if before:
            workdirs = stage.folder.parent, twin.folder.parent
            # The parts of a sweep's stages are where their twins are.
            ours = (FinishedStage(folder / before) for folder in workdirs)
            known = next((one for one in ours if one.is_begun), None)
            if known is not None:
                yield from _differences(known, FinishedStage(twin.folder.parent / start))
