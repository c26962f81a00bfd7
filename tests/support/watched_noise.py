"""A tiny data set of pictures of two sizes with several viewers."""

import numpy as np
import tensorflow_datasets as tfds

from tfds_builders.common import schema


class WatchedNoise(tfds.core.GeneratorBasedBuilder):
    """Pictures of two sizes that four people look at; the last one was seen by one person."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=schema.gaze_features(),
            metadata=tfds.core.MetadataDict({"sigma_px": 5.0}),
        )

    def _split_generators(self, dl_manager):
        return {"test": self._generate_examples()}

    def _generate_examples(self):
        rng = np.random.default_rng(7)
        for index in range(4):
            height, width = (44, 60) if index % 2 else (70, 50)
            count = 9 if index < 3 else 2
            yield (
                index,
                {
                    "image": rng.integers(0, 256, (height, width, 3), np.uint8),
                    "image/id": f"seen/{index}",
                    "fixations": {
                        "x": rng.uniform(0, width - 1, count).astype(np.float32),
                        "y": rng.uniform(0, height - 1, count).astype(np.float32),
                        "duration_ms": np.full(count, -1, np.float32),
                        # -1: nobody knows who; it belongs to no one's map.
                        "viewer": (np.arange(count) % 5 - 1 if index < 3 else np.full(count, 2)),
                    },
                },
            )
