"""A finished run on the data set of noise, with random weights, for tests of evaluation."""

import json
import pathlib
from collections.abc import Sequence

import finished_stages
import keras
import pytest

from salclass_tf.data import pipeline, sets
from salclass_tf.data.geometry import Geometry
from salclass_tf.training import final_scores

GEOMETRY = Geometry(40, 46)
STAGES = ("saliency", "classifier_rgb", "classifier", "joint")


def write_run(
    workdir: pathlib.Path, data_dir: str, stages: Sequence[str] = STAGES
) -> dict[str, keras.Model]:
    """Writes some stages of a run with what training would report of them.

    Returns:
        The network of each stage.
    """
    networks = {}
    noise = sets.open_set("dotted_noise", data_dir)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finished_stages, "CLASSES", noise.class_names)
        for stage in stages:
            networks[stage] = finished_stages.write_stage(workdir, stage)
    # Weights are seeded: without a change both detectors would be one.
    if "saliency" in stages:
        score = networks["saliency"].get_layer("saliency_score")
        score.kernel.assign(-0.5 * score.kernel)
    if "classifier" in stages:
        networks["classifier"] = networks["joint"].classifier
    for number, stage in enumerate(stages):
        networks[stage].save(workdir / stage / "model.keras")
        scores = final_scores.score(
            final_scores.Forward(networks[stage]), central_crops(noise, "test")
        )
        metrics = {"dataset": "dotted_noise/1.0.0", "split": "test", "stage": stage}
        metrics |= {"kept_epoch": number, "test": vars(scores)}
        (workdir / stage / "metrics.json").write_text(json.dumps(metrics))
    return networks


def central_crops(gaze_set: sets.GazeSet, split: str):
    """What training scores networks on."""
    return pipeline.evaluation_batches(
        pipeline.open_split(gaze_set.builder, split),
        geometry=GEOMETRY,
        sigma_px=gaze_set.sigma_px,
        batch_size=16,
    )
