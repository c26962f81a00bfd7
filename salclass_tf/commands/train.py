"""Trains SalClassNet: `salclass train --stage=joint`."""

import dataclasses

from absl import flags

from salclass_tf import commandline, config
from salclass_tf.config import recipes

flags.DEFINE_enum("stage", "joint", config.STAGES, "What to train; what it needs is made first.")
flags.DEFINE_enum("preset", "demo", config.PRESETS, "demo: minutes on a CPU; paper: Sec. 5.2.")
flags.DEFINE_string(
    "workdir", None, "Folder of the run; default: runs/<preset>[-<dataset>[-<study>]]."
)
flags.DEFINE_string("dataset", None, "Data set with gaze that replaces the preset's own.")
flags.DEFINE_string("data_dir", None, "Prepared data sets; default: ~/tensorflow_datasets.")
flags.DEFINE_string("manual_dir", None, "Folder of original files of a set, if not downloaded.")
flags.DEFINE_string("detector", None, "Name of the detector network.")
flags.DEFINE_string("classifier", None, "Name of the classifier network.")
flags.DEFINE_string("detector_weights", None, 'Start of the detector: "imagenet" or a file.')
flags.DEFINE_string("classifier_weights", None, 'Start of the classifier: "imagenet" or a file.')
flags.DEFINE_bool("pretrain_detector", None, "Whether saliency_pretrain comes before saliency.")
flags.DEFINE_bool("pretrain_classifier", None, "Whether classifier_pretrain comes first.")
flags.DEFINE_enum("precision", None, config.PRECISIONS, "Arithmetic; auto goes by the hardware.")
flags.DEFINE_enum("strategy", "auto", config.STRATEGIES, "Devices; see docs/scaling.md.")
flags.DEFINE_bool("deterministic", False, "Deterministic operations only, also on a GPU.")
flags.DEFINE_integer("checkpoint_steps", None, "Steps between checkpoints; default: 2 minutes.")
flags.DEFINE_integer("keep_checkpoints", 2, "How many of the newest checkpoints stay.")
flags.DEFINE_integer("seed", None, "Decides every random choice.")
flags.DEFINE_integer("steps", None, "Maximum number of steps of each stage: a try-out.")
flags.DEFINE_integer("epochs", None, "Epochs of --stage, in place of the preset's.")
flags.DEFINE_integer("batch_size", None, "Batch size of --stage, in place of the preset's.")
flags.DEFINE_float("learning_rate", None, "Initial rate of --stage, in place of the preset's.")
flags.DEFINE_float("alpha", None, "Weight of the class error in Eq. 1.")
flags.DEFINE_list("sweep_alpha", None, "Train stage joint once for each of these alphas.")
flags.DEFINE_string("saliency_loss", None, "L_S in Eq. 1; default: mse. See docs/losses.md.")
flags.DEFINE_enum("recipe", "common", recipes.RECIPES, "How saliency_pretrain trains a detector.")
flags.DEFINE_float("width", None, "Scales every channel count; 1 is the paper.")
flags.DEFINE_integer("image_size", None, "Side of the crops, in pixels; 299 in the paper.")


def main():
    """Turns flags into a configuration and trains."""
    given = flags.FLAGS
    chosen = config.build_config(given.preset, given.dataset).override(
        given.stage,
        {f.name: getattr(given, f.name, None) for f in dataclasses.fields(config.Config)}
        | {"max_steps": given.steps},
        {name: getattr(given, name) for name in ("epochs", "batch_size", "learning_rate")},
        given.recipe,
        given.saliency_loss,
    )
    alphas = config.sweep_values(given.sweep_alpha, given.stage, given.alpha)
    workdir = given.workdir or config.default_workdir(given.preset, given.dataset, given.manual_dir)

    from salclass_tf import training  # imports TensorFlow: after the settings are known to be right

    execution = training.Execution(
        strategy=given.strategy,
        checkpoint_steps=given.checkpoint_steps,
        keep_checkpoints=given.keep_checkpoints,
        deterministic=given.deterministic,
    )
    places = (workdir, given.data_dir, given.manual_dir, execution)
    if alphas is not None:
        training.sweep_alpha(chosen, alphas, *places)
    else:
        training.run(chosen, given.stage, *places)


def run():
    """Parses the command line and runs the command."""
    commandline.run(main)
