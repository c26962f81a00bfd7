"""TFDS builder of the rendered critters with simulated gaze."""

import dataclasses
import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from tfds_builders.common import schema
from tfds_builders.gaze_critters import gaze, scene
from tfds_builders.gaze_critters.kinds import BADGES, PARTS, PRETRAIN_KINDS, TASK_KINDS, Kind

_SPLITS = ("train", "validation", "test")  # their order seeds the pictures


@dataclasses.dataclass(eq=False)
class CrittersConfig(tfds.core.BuilderConfig):
    """What a configuration shows, and who looks at it.

    Attributes:
        number: seeds the pictures: configurations of one number share them, as far as they
            have them, and no others do.
        kinds: the critters that occur; the classes, in label order, unless `close_ups`.
        images: number of pictures of each split.
        look: simulates the viewers of a scene; None for pictures without gaze.
        task: what the viewers do.
        viewers: how many of them there are.
        sigma_px: Gaussian sigma of the heat maps, in pixels of the original image; 0 without gaze.
        close_ups: whether a picture shows one part of a critter, which then is the class.
        pairs: whether every picture shows a second critter, of another class, that is not the one
            in question.
        collars: whether those of a pair wear collars, which tell the one in question.
    """

    number: int = 0
    kinds: tuple[Kind, ...] = ()
    images: dict[str, int] = dataclasses.field(default_factory=dict)
    look: Callable[[np.random.Generator, scene.Scene], gaze.Fixations] | None = None
    task: str = ""
    viewers: int = 0
    sigma_px: float = 0.0
    close_ups: bool = False
    pairs: bool = False
    collars: bool = False

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in label order; the pictures of a split take turns."""
        return PARTS if self.close_ups else tuple(kind.name for kind in self.kinds)


_TASK = CrittersConfig(
    name="task",
    description="Twelve classes; gaze of people who tell them apart.",
    number=0,
    kinds=TASK_KINDS,
    images={"train": 960, "validation": 120, "test": 360},
    look=gaze.recognise,
    task="classification",
    viewers=gaze.TASK_VIEWERS,
    sigma_px=gaze.TASK_SIGMA,
)
_FREE_VIEWING = CrittersConfig(
    name="free_viewing",
    description="Eighteen other classes; gaze drawn by what is loud.",
    number=1,
    kinds=PRETRAIN_KINDS,
    images={"train": 600, "test": 120},
    look=gaze.look_around,
    task="free viewing",
    viewers=gaze.FREE_VIEWERS,
    sigma_px=gaze.FREE_SIGMA,
)
_PRETRAIN = CrittersConfig(
    name="pretrain",
    description="Close-ups of one part each, eleven classes without gaze, to pretrain classifiers.",
    number=2,
    kinds=PRETRAIN_KINDS,
    images={"train": 12000, "validation": 660},
    task="none",
    close_ups=True,
)
_ATTENDED = CrittersConfig(
    name="attended",
    description="Two critters of two classes in each picture; the label is the one looked at.",
    number=3,
    kinds=TASK_KINDS,
    images={"train": 960, "validation": 120, "test": 360},
    look=gaze.attend,
    task="classification",
    viewers=gaze.TASK_VIEWERS,
    sigma_px=gaze.TASK_SIGMA,
    pairs=True,
)
_COLLARS = dataclasses.replace(
    _ATTENDED,
    name="collars",
    description="Two critters of two classes; people look at the one whose collar has two bands.",
    number=4,
    collars=True,
)
_COLLARS_GAZE = dataclasses.replace(
    _COLLARS,
    name="collars_gaze",
    description="As collars, with three times the pictures to learn from.",
    images={"train": 2880, "validation": 120, "test": 360},
)


def observe(config: CrittersConfig, split: str, index: int) -> tuple[scene.Scene, gaze.Fixations]:
    """Renders a picture and simulates its viewers; the result depends on the arguments alone.

    Args:
        config: one of the builder's configurations, or a variant of one.
        split: train, validation or test.
        index: number of the picture in its split; the classes take turns.

    Returns:
        The scene and its fixations, none where the configuration has no viewers. A close-up comes
        without the list of what is in it.
    """
    rng = np.random.default_rng([config.number, _SPLITS.index(split), index])
    if config.close_ups:
        return _close_up(rng, config, PARTS[index % len(PARTS)]), gaze.NOBODY
    kind = config.kinds[index % len(config.kinds)]
    if config.pairs:
        others = [one for one in config.kinds if one != kind]
        rendered = scene.render_pair(rng, kind, others[rng.integers(len(others))], config.collars)
    else:
        rendered = scene.render(rng, kind)
    return rendered, config.look(rng, rendered)


def _close_up(rng: np.random.Generator, config: CrittersConfig, part: str) -> scene.Scene:
    """A close-up of a part, on a critter that has it."""
    owners = [kind for kind in config.kinds if part in kind]
    rendered = scene.render(rng, owners[rng.integers(len(owners))])
    return scene.close_up(rng, rendered, rendered.critters[0].centres[int(part not in BADGES)])


class Builder(tfds.core.GeneratorBasedBuilder):
    """Rendered critters in clutter, with simulated gaze; nothing is downloaded."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    BUILDER_CONFIGS = [_TASK, _FREE_VIEWING, _PRETRAIN, _ATTENDED, _COLLARS, _COLLARS_GAZE]

    def _info(self) -> tfds.core.DatasetInfo:
        config = self.builder_config
        label = tfds.features.ClassLabel(names=config.class_names)
        return self.dataset_info_from_configs(
            features=schema.gaze_features(label=label),
            supervised_keys=("image", "label"),
            metadata=tfds.core.MetadataDict(
                {
                    "sigma_px": config.sigma_px,
                    "task": config.task,
                    "viewers": config.viewers,
                    "viewing_time_s": None,
                    "tracker": None,
                }
            ),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        return {split: self._generate_examples(split) for split in self.builder_config.images}

    def _generate_examples(self, split: str) -> Iterator[tuple[str, dict[str, Any]]]:
        config = self.builder_config
        for index in range(config.images[split]):
            rendered, fixations = observe(config, split, index)
            key = f"{split}_{index:05d}"
            yield (
                key,
                {
                    "image": io.BytesIO(rendered.jpeg()),
                    "image/id": key,
                    "label": config.class_names[index % len(config.class_names)],
                    "fixations": fixations,
                },
            )
