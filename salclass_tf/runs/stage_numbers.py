"""The numbers that a stage was trained with, as its folder tells them."""

import dataclasses
import json

from salclass_tf.config.stage import Stage
from salclass_tf.runs.finished_stage import FinishedStage


def numbers_of(stage: FinishedStage) -> dict:
    """Returns the numbers of a stage; those that are younger than its folder had their defaults.

    Args:
        stage: the stage; it has been begun.

    Returns:
        The fields of `config.Stage`, those of `optimizer` in a dictionary of their own, as plain
        types; besides them whatever else the folder has noted.

    Raises:
        ValueError: if the settings are damaged.
    """
    known = stage.settings.get("stage", {})
    numbers = json.loads(json.dumps(dataclasses.asdict(Stage(dataset=""))))
    optimizer = numbers["optimizer"] | known.get("optimizer", {})
    return numbers | known | {"optimizer": optimizer}
