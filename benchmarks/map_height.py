"""Prints what the parts name right when they are joined, by the height of the detector's map.

python -m benchmarks.map_height --family=runs/demo/seeds

The detector and the classifier that has read true maps, of each seed, put together and not trained
any further. Intervals are over seeds and images.
"""

import collections
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf
from absl import app, flags

from benchmarks import several_seeds
from salclass_tf import config
from salclass_tf.model import SalClassNet
from salclass_tf.runs.finished_stage import FinishedStage
from salclass_tf.training import batch_statistics, final_scores, joining

_FAMILY = flags.DEFINE_string("family", None, "folder with seed_<number>", required=True)
_DATA_DIR = flags.DEFINE_string("data_dir", None, "prepared data sets")

_FITTED = ("none", "peak")  # standardised maps have the statistics of true maps as they are

Rights = dict[str, np.ndarray]


class Joined:
    """The parts of a seed, and the pictures that they are asked about.

    Args:
        trained: the run.
    """

    def __init__(self, trained: several_seeds.Trained):
        self._trained = trained
        self._detector = FinishedStage(trained.folder / "saliency").network()
        forward = final_scores.Forward(self._detector)
        # Each picture's map once: the detector is the larger part.
        self._pictures = {
            part: [batch | {"map": forward(batch)["saliency"]} for batch in batches]
            for part, batches in ((p, trained.central_batches(p)) for p in several_seeds.PARTS)
        }

    def answers(self) -> Iterator[tuple[str, Rights]]:
        """What is named right, part by part, by way of joining."""
        for scale in config.MAP_SCALES:
            classifier = FinishedStage(self._trained.folder / "classifier").network()
            model = SalClassNet(self._detector, classifier, map_scale=scale)
            forward = final_scores.Forward(classifier)
            if scale == "none":
                yield "true maps", self._rights(forward, lambda batch: batch["saliency"])

            def scaled(batch: dict[str, tf.Tensor], model=model) -> tf.Tensor:
                return model.map_scale(batch["map"])

            yield scale, self._rights(forward, scaled)
            batches = self._trained.training_batches(batch_statistics.BATCHES)
            if scale in _FITTED:
                joining.fit_normalization(model, batches)
                yield f"{scale}, map's normalisation fitted", self._rights(forward, scaled)
            batch_statistics.Fitting(model).measure(batches)
            yield f"{scale}, all statistics measured anew", self._rights(forward, scaled)

    def _rights(self, forward: final_scores.Forward, read: Callable) -> Rights:
        """Whether each picture is named right with a map that is read so."""

        def answer(batch: dict[str, tf.Tensor]) -> tf.Tensor:
            return forward({"image": batch["image"], "saliency": read(batch)})["logits"]

        return {
            part: several_seeds.right(answer, batches) for part, batches in self._pictures.items()
        }


def main(_):
    """Asks the joined parts of each seed, in all ways."""
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    for folder in several_seeds.runs_of(_FAMILY.value, ("saliency", "classifier")):
        joined = Joined(several_seeds.Trained(folder, _DATA_DIR.value, "classifier"))
        for name, rights in joined.answers():
            for part, named in rights.items():
                found[name][part].append(named)
    print(several_seeds.table(found, "none"))


if __name__ == "__main__":
    app.run(main)
