"""Trains SalClassNet: `salclass train --stage=joint`."""

import dataclasses
import pathlib

from absl import flags

from salclass_tf import commandline, config
from salclass_tf.config import option_texts, recipes

flags.DEFINE_enum("stage", "joint", config.STAGES, "What to train; what it needs is made first.")
flags.DEFINE_enum("preset", "demo", config.PRESETS, "demo: minutes on a CPU; paper: Sec. 5.2.")
flags.DEFINE_string(
    "workdir", None, "Folder of the run; default: runs/<preset>[-<dataset>[-<study>]]."
)
flags.DEFINE_string("dataset", None, "Data set of the task, or of --stage if that pretrains.")
flags.DEFINE_string("data_dir", None, "Prepared data sets; default: ~/tensorflow_datasets.")
flags.DEFINE_string("manual_dir", None, "Folder of original files of a set, if not downloaded.")
flags.DEFINE_string("detector", None, "Name of the detector network.")
flags.DEFINE_string("classifier", None, "Name of the classifier network.")
flags.DEFINE_list("detector_options", None, "Of that detector: convolutions=13,half_pixel=true.")
flags.DEFINE_list("classifier_options", None, "Of that classifier: dropout=0.5,top=pool.")
flags.DEFINE_string("detector_weights", None, 'Start of the detector: "imagenet" or a file.')
flags.DEFINE_string("classifier_weights", None, 'Start of the classifier: "imagenet" or a file.')
flags.DEFINE_bool("pretrain_detector", None, "Whether saliency_pretrain comes before saliency.")
flags.DEFINE_bool("pretrain_classifier", None, "Whether classifier_pretrain comes first.")
flags.DEFINE_enum("precision", None, config.PRECISIONS, "Arithmetic; auto goes by the hardware.")
flags.DEFINE_enum("compile", None, config.COMPILES, "What of a step XLA compiles; auto: what pays.")
flags.DEFINE_enum("strategy", "auto", config.STRATEGIES, "Devices; see docs/scaling.md.")
flags.DEFINE_bool("deterministic", False, "Deterministic operations only, also on a GPU.")
flags.DEFINE_integer("checkpoint_steps", None, "Steps between checkpoints; default: 2 minutes.")
flags.DEFINE_integer("keep_checkpoints", 2, "How many of the newest checkpoints stay.")
flags.DEFINE_integer("seed", None, "Decides every random choice.")
flags.DEFINE_list("seeds", None, "Train once for each of these seeds; see docs/reproduction.md.")
flags.DEFINE_integer("seeds_at_once", None, "How many --seeds are trained at once, at most.")
flags.DEFINE_integer("stages_at_once", None, "2: stages in two processes; 1: in one.")
flags.DEFINE_integer("steps", None, "Maximum number of steps of each stage: a try-out.")
flags.DEFINE_integer("epochs", None, "Epochs of --stage; more than were made: it goes on.")
flags.DEFINE_integer("patience", None, "Epochs of --stage without improvement before it stops.")
flags.DEFINE_integer("batch_size", None, "Batch size of --stage, in place of the preset's.")
flags.DEFINE_integer("crops", None, "Crops of an image and epoch of --stage; the paper has 5.")
flags.DEFINE_enum("mirror", None, config.MIRRORS, "Of --stage: each crop and its flip, or one.")
flags.DEFINE_float("learning_rate", None, "First rate of --stage; scales its whole schedule.")
flags.DEFINE_list("optimizer", None, "Of --stage: sgd or adam, numbers: sgd,dampening=0.9.")
flags.DEFINE_string("frozen", None, "Layers of --stage that do not learn: a regular expression.")
flags.DEFINE_enum("crop_around", None, config.CROPS_AROUND, "Where crops of --stage lie.")
flags.DEFINE_float("attention_loss", None, "Of --stage, RGB: weight of people's map as attention.")
flags.DEFINE_bool("fixed_views", None, "The same crops and flips of an image in every epoch.")
flags.DEFINE_enum(
    "cache_features", None, config.FEATURE_PLACES, "Compute frozen beginnings once; fixed views."
)
flags.DEFINE_float("alpha", None, "Weight of the class error in Eq. 1.")
flags.DEFINE_enum("map_scale", None, config.MAP_SCALES, "Height in which joint reads its map.")
flags.DEFINE_bool("fit_map_normalization", None, "Fit joint's normalisation of the map at first.")
flags.DEFINE_bool("fit_statistics", None, "Fit batch normalisation to the data after each epoch.")
flags.DEFINE_list("sweep_alpha", None, "Train stage joint once for each of these alphas.")
flags.DEFINE_string("saliency_loss", None, "L_S in Eq. 1; default: mse. See docs/losses.md.")
flags.DEFINE_enum("recipe", "common", recipes.RECIPES, "How saliency_pretrain trains a detector.")
flags.DEFINE_float("width", None, "Scales every channel count; 1 is the paper.")
flags.DEFINE_integer("image_size", None, "Side of the crops, in pixels; 299 in the paper.")


# Bytes of gaze. Larger studies are read once, by the plan: a second reading would take longer than
# what it saves.
_READ_AT_ONCE = 20_000_000

# Flags that are numbers of the stage that is asked for.
_NUMBERS = (
    *("epochs", "patience", "batch_size", "crops", "mirror", "learning_rate", "frozen"),
    *("crop_around", "attention_loss"),
)


def main():
    """Turns flags into a configuration and trains."""
    given = flags.FLAGS
    chosen = _config()
    alphas = config.sweep_values(given.sweep_alpha, given.stage, given.alpha)
    seeds = config.seed_values(given.seeds, given.seed, given.sweep_alpha)
    if given.seeds_at_once is not None and seeds is None:
        raise ValueError(
            f"--seeds_at_once={given.seeds_at_once} goes with --seeds; leave it out, or name seeds"
        )
    workdir = given.workdir or config.default_workdir(given.preset, given.dataset, given.manual_dir)

    if given.manual_dir is not None and not pathlib.Path(given.manual_dir).is_dir():
        raise ValueError(f"--manual_dir must be an existing folder; got {given.manual_dir}")
    if given.manual_dir is not None and chosen.stages[given.stage].dataset == "gaze_folder":
        _check_own_folder(given.manual_dir, given.data_dir)
    # Both import TensorFlow: after the settings are known to be right.
    from salclass_tf import devices, start_up, training

    start_up.spare_collections()

    if chosen.compile != "none":
        devices.keep_compiled_programs()

    execution = training.Execution(
        strategy=given.strategy,
        checkpoint_steps=given.checkpoint_steps,
        keep_checkpoints=given.keep_checkpoints,
        deterministic=given.deterministic,
        seeds_at_once=given.seeds_at_once,
        stages_at_once=given.stages_at_once,
    )
    places = (workdir, given.data_dir, given.manual_dir, execution)
    if alphas is not None:
        training.sweep_alpha(chosen, alphas, *places)
    elif seeds is not None:
        training.train_seeds(chosen, given.stage, seeds, *places)
    else:
        training.run(chosen, given.stage, *places)


def _check_own_folder(manual_dir: str, data_dir: str | None) -> None:
    """Names what is wrong with a folder of own gaze before TensorFlow is imported."""
    from tfds_builders.gaze_folder import gaze_folder_dataset_builder, images

    found = [path for path in pathlib.Path(manual_dir).rglob("*") if path.is_file()]
    gaze = [path for path in found if path.suffix.lower() not in images.SUFFIXES]
    if sum(path.stat().st_size for path in gaze) > _READ_AT_ONCE:
        return
    try:
        builder = gaze_folder_dataset_builder.Builder(data_dir=data_dir)
    except Exception:  # whatever a damaged description raises, which `find_set` tells of
        return
    if builder.data_path.exists():  # `find_set` compares it with the folder
        return
    try:
        builder.check_files(manual_dir)
    except (ImportError, OSError) as error:
        raise ValueError(f"cannot prepare {builder.info.full_name}: {error}") from error


def _config() -> config.Config:
    """The configuration that the flags ask for."""
    given = flags.FLAGS
    preset = config.build_config(given.preset, given.dataset, given.stage)
    options = {part: _options(part, preset) for part in ("detector", "classifier")}
    fields = [f.name for f in dataclasses.fields(config.Config)]
    run = {name: getattr(given, name, None) for name in fields if not name.endswith("_options")}
    numbers = {name: getattr(given, name) for name in _NUMBERS}
    if given.optimizer is not None:
        numbers["optimizer"] = option_texts.optimizer_options(given.optimizer)
    return preset.override(
        given.stage,
        run | {"max_steps": given.steps},
        numbers,
        given.recipe,
        given.saliency_loss,
        {part: found for part, found in options.items() if found},
        given.fixed_views,
    )


def _options(part: str, preset: config.Config) -> dict:
    """The options of a network that were asked for, read by the types of its builder."""
    texts = getattr(flags.FLAGS, f"{part}_options")
    if not texts:
        return {}
    from salclass_tf import classifiers, detectors  # TensorFlow, which other flags do not need

    networks = {"detector": detectors, "classifier": classifiers}[part]
    name = getattr(flags.FLAGS, part) or getattr(preset, part)
    return option_texts.network_options(networks.builder_of(name), texts, f"{part}_options")


def run():
    """Parses the command line and runs the command."""
    commandline.run(main)
