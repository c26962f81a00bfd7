"""Prints what kept classifiers name right as they are, and with statistics measured anew.

python -m benchmarks.batch_statistics --family=runs/demo/seeds

No weight changes: batch normalisation gets the mean statistics of training batches, in place of
running means of the last steps. Intervals are over seeds and images.
"""

import collections

from absl import app, flags

from benchmarks import several_seeds
from salclass_tf.model import ClassifierModel, SalClassNet
from salclass_tf.runs.finished_stage import FinishedStage
from salclass_tf.training import batch_statistics, final_scores, networks

_FAMILY = flags.DEFINE_string("family", None, "folder with seed_<number>", required=True)
_DATA_DIR = flags.DEFINE_string("data_dir", None, "prepared data sets")
_STAGES = flags.DEFINE_list(
    "stages", ["classifier_rgb", "classifier", "classifier_rgb_longer", "joint"], "to ask"
)

_KEPT, _ANEW = "as kept", "measured anew"


def main(_):
    """Asks each stage of each seed twice."""
    for stage in _STAGES.value:
        found = collections.defaultdict(lambda: collections.defaultdict(list))
        for folder in several_seeds.runs_of(_FAMILY.value, (stage,)):
            trained = several_seeds.Trained(folder, _DATA_DIR.value, stage)
            network = FinishedStage(folder / stage).network()
            model = network if isinstance(network, SalClassNet) else ClassifierModel(network)
            networks.fuse_normalizations(model)
            forward = final_scores.Forward(network)
            for name in (_KEPT, _ANEW):
                if name == _ANEW:
                    batches = trained.training_batches(batch_statistics.BATCHES)
                    batch_statistics.Fitting(model).measure(batches)
                for part in several_seeds.PARTS:
                    rights = several_seeds.right(
                        lambda batch, forward=forward: forward(batch)["logits"],
                        trained.central_batches(part),
                    )
                    found[name][part].append(rights)
        print(f"\n{stage}\n\n{several_seeds.table(found, _KEPT)}", flush=True)


if __name__ == "__main__":
    app.run(main)
