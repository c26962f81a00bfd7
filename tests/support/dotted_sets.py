"""Tiny data sets that many tests train on and score."""

import numpy as np
import tensorflow_datasets as tfds

from tfds_builders.common import schema


class DottedNoise(tfds.core.GeneratorBasedBuilder):
    """Twelve pictures of noise with a bright dot where somebody looked; three classes of hue."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=schema.gaze_features(tfds.features.ClassLabel(names=["red", "green", "blue"])),
            metadata=tfds.core.MetadataDict({"sigma_px": 4.0}),
            supervised_keys=("image", "label"),
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(0, 12), "test": self._generate_examples(1, 6)}

    def _generate_examples(self, split, count):
        for index in range(count):
            rng = np.random.default_rng([split, index])
            image = rng.integers(0, 100, (44, 52, 3), np.uint8)
            image[..., index % 3] += 100
            x, y = rng.integers(10, 34, 2)
            image[y - 3 : y + 4, x - 3 : x + 4] = 255
            fixations = {"x": [x], "y": [y], "duration_ms": [200.0], "viewer": [0]}
            yield (
                index,
                {
                    "image": image,
                    "image/id": str(index),
                    "label": index % 3,
                    "fixations": fixations,
                },
            )


class DottedMaps(DottedNoise):
    """The same pictures with maps in place of points, and no classes."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(builder=self, features=schema.gaze_features(heatmap=True))

    def _generate_examples(self, split, count):
        for index, example in super()._generate_examples(split, count):
            [x], [y] = example["fixations"]["x"], example["fixations"]["y"]
            heatmap = np.zeros((44, 52, 1), np.uint8)
            heatmap[y - 4 : y + 5, x - 4 : x + 5] = 200
            del example["label"]
            yield index, example | {"fixations": schema.no_fixations(), "heatmap": heatmap}


class DottedHues(DottedNoise):
    """The same pictures with other classes: in another order, and with one more of them."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in ("turned", "more")]

    def _info(self):
        names = {"turned": ["green", "red", "blue"], "more": ["red", "green", "blue", "pink"]}
        label = tfds.features.ClassLabel(names=names[self.builder_config.name])
        return tfds.core.DatasetInfo(
            builder=self,
            features=schema.gaze_features(label),
            metadata=tfds.core.MetadataDict({"sigma_px": 4.0}),
        )

    def _generate_examples(self, split, count):
        for index, example in super()._generate_examples(split, count):
            more = self.builder_config.name == "more"
            yield index, example | {"label": index % 4 if more else example["label"]}


class DottedUnseen(DottedNoise):
    """The same pictures without gaze: training and test pictures, or one of the two alone."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in ("both", "train", "test")]

    def _info(self):
        label = tfds.features.ClassLabel(names=["red", "green", "blue"])
        return tfds.core.DatasetInfo(builder=self, features=schema.gaze_features(label))

    def _split_generators(self, dl_manager):
        both = super()._split_generators(dl_manager)
        return {name: both[name] for name in both if self.builder_config.name in ("both", name)}

    def _generate_examples(self, split, count):
        for index, example in super()._generate_examples(split, count):
            yield index, example | {"fixations": schema.no_fixations()}


class SeldomSeen(DottedNoise):
    """The same pictures, at none or half of which anybody looked; points, or maps in their place.

    No test picture was looked at.
    """

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name=name) for name in ("none", "half", "black", "half_black")
    ]

    def _info(self):
        has_maps = "black" in self.builder_config.name
        sigma_px = 0.0 if has_maps else 4.0
        return tfds.core.DatasetInfo(
            builder=self,
            features=schema.gaze_features(heatmap=has_maps),
            metadata=tfds.core.MetadataDict(sigma_px=sigma_px),
        )

    def _generate_examples(self, split, count):
        for index, example in super()._generate_examples(split, count):
            del example["label"]
            seen = "half" in self.builder_config.name and split == 0 and index % 2
            if "heatmap" in self.info.features:
                level = 200 if seen else 0
                example |= {"heatmap": np.full((44, 52, 1), level, np.uint8)}
            if not seen or "heatmap" in example:
                example |= {"fixations": schema.no_fixations()}
            yield index, example
