"""Whether there is gaze to learn from: of black maps a detector learns to predict nothing."""

import dataclasses
import logging

from salclass_tf.config import Config
from salclass_tf.config.stage import needs_gaze
from salclass_tf.data import damage, gaze_counts, pipeline
from salclass_tf.data.gaze_counts import GazeCount
from salclass_tf.data.sets import GazeSet

_log = logging.getLogger(__name__)

# A few pictures that nobody looked at are ordinary; from this share on something may be wrong.
_SUSPICIOUS_SHARE = 0.1


def check(config: Config, name: str, gaze_set: GazeSet) -> None:
    """Checks that there is gaze on the images of a stage, where it needs some.

    Args:
        config: the run.
        name: of the stage.
        gaze_set: what it learns from, prepared.

    Raises:
        ValueError: if no image that it learns from, or none that the epoch to keep is chosen by,
            has gaze. Where a tenth of the images have none, or no test image has any, a warning
            says so.
    """
    for part, count in _counts(config, name, gaze_set).items():
        if not is_suspicious(count):
            continue
        what_is_wrong = f"in {gaze_set.title}, {told(part, count)}; {_hint(gaze_set)}"
        if part != "test" and count.without_gaze == count.images:
            what = "learn from" if part == "train" else "choose an epoch by"
            raise ValueError(f"stage {name} has no gaze to {what}: {what_is_wrong}")
        _log.warning("stage %s: %s", name, what_is_wrong)


def facts(config: Config, name: str, gaze_set: GazeSet) -> dict[str, dict[str, int]]:
    """Returns the counts of each part of a stage's data in plain types; {} if it needs no gaze."""
    counts = _counts(config, name, gaze_set)
    return {part: dataclasses.asdict(count) for part, count in counts.items()}


def is_suspicious(count: GazeCount) -> bool:
    """Whether so many images of a part have no gaze that a person should know."""
    return count.share_without >= _SUSPICIOUS_SHARE


def told(part: str, count: GazeCount) -> str:
    """Returns a part's counts in words."""
    return f"{count.without_gaze} of the {count.images} images of part {part} have no gaze"


def _counts(config: Config, name: str, gaze_set: GazeSet) -> dict[str, GazeCount]:
    """Part of the data -> its counts."""
    if not needs_gaze(name, config.stages[name]):
        return {}
    share = config.stages[name].validation_share
    splits = {part: gaze_set.split(part, share) for part in ("train", "validation", "test")}
    with damage.named(gaze_set, pipeline.open_split(gaze_set.builder, "all")):
        return {
            part: gaze_counts.count(gaze_set.builder, split)
            for part, split in splits.items()
            if split is not None
        }


def _hint(gaze_set: GazeSet) -> str:
    """Where the gaze may have gone, and how to look."""
    metadata = gaze_set.builder.info.metadata or {}
    parts = ["their maps are black"]
    if metadata.get("dropped_off_image"):
        parts.append(
            f"{metadata['dropped_off_image']} fixations lie beside their images and were dropped: "
            "compare their coordinates with the images' pixels"
        )
    if metadata.get("folder"):
        parts.append(f"look at them: salclass gaze check {metadata['folder']}")
    return "; ".join(parts)
