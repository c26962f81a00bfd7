"""Predicts images: `salclass predict photos/*.jpg`."""

import logging
import os

from absl import flags

from salclass_tf import commandline, config

flags.DEFINE_string("workdir", "runs/demo", "Folder of the run.")
flags.DEFINE_enum("stage", "joint", config.STAGES, "The stage whose network predicts.")
flags.DEFINE_string("export_dir", None, "An export that predicts, in place of a run.")
flags.DEFINE_string("out_dir", "predictions", "Folder of overlays, maps and tables.")
flags.DEFINE_enum("map_format", "npy", ("npy", "png"), "float32, or 16 bits from low to peak.")
flags.DEFINE_enum("overlays", "png", ("png", "jpeg", "none"), "Format of overlays; none for none.")
flags.DEFINE_enum(
    "view",
    "whole",
    ("whole", "crop"),
    "Maps of whole images, or of the central crop that networks are trained on, 0 outside it.",
)
flags.DEFINE_integer("batch_size", 8, "Images that the network gets together.")
flags.DEFINE_integer("max_pixels", None, "The most that an image may have; default: 25 million.")
flags.DEFINE_string("data_dir", None, "Prepared data sets, for the names of the classes.")
flags.DEFINE_string("class_names", None, "File with a class name per line, in place of those.")
flags.DEFINE_string("list", None, "Text file with the path of an image per line.")
flags.DEFINE_string(
    "runner",
    None,
    "Apache Beam's runner that predicts an export's images into shards: DirectRunner, "
    "DataflowRunner, FlinkRunner, SparkRunner. Beam's own options come last, after a lone --.",
)
flags.DEFINE_integer("shard_images", 256, "Images of a shard; with --runner.")

#: exit code where images were skipped
SKIPPED = 3


def main(arguments):
    """Turns flags into a model and predicts."""
    given = flags.FLAGS
    images = [argument for argument in arguments if not argument.startswith("--")]
    of_beam = [argument for argument in arguments if argument.startswith("--")]
    of_runs = ("workdir", "stage", "max_pixels", "data_dir", "class_names")
    in_vain = [f"--{name}" for name in of_runs if given[name].present]
    if given.export_dir and in_vain:
        raise ValueError(f"an export has its own; leave out with it: {', '.join(in_vain)}")
    if given.runner is not None:
        return _on_beam(images, of_beam)
    if of_beam or given["shard_images"].present:
        raise ValueError(f"{(of_beam + ['--shard_images'])[0]} needs a --runner of Apache Beam")

    from salclass_tf import prediction  # imports TensorFlow: after the flags are known to be right

    listed = prediction.read_list(given.list) if given.list else []
    found = prediction.find_images(images, given.out_dir, listed)
    if given.export_dir:
        model = prediction.load_export(given.export_dir)
    else:
        model = prediction.load_run(**{name: getattr(given, name) for name in of_runs})
    print(f"Model: {model.name}")
    root = prediction.common_folder(images, listed)
    how = (given.map_format, given.batch_size, given.view, root, given.overlays)
    done = prediction.predict(model, found, given.out_dir, *how)
    print(f"Predicted {done.predicted}, skipped {done.skipped}: {given.out_dir}/predictions.csv")
    return SKIPPED if done.skipped else 0


def _on_beam(images, options):
    """Predicts on an engine."""
    given = flags.FLAGS
    if given["overlays"].present:
        raise ValueError("--runner writes maps and classes, no overlays; leave --overlays out")
    if not given.export_dir:
        raise ValueError(
            "--runner predicts with an export, which its workers load: write one with export.py, "
            "and name it with --export_dir"
        )
    from salclass_tf.prediction.on_beam import engines

    # Beam and what it imports warn of much that nobody asked for, through the root logger.
    logging.getLogger().setLevel(logging.ERROR)
    options = engines.choose(given.runner, options)
    from salclass_tf import prediction
    from salclass_tf.prediction.on_beam import job

    settings = job.Settings(
        export_dir=_everywhere(given.export_dir),
        out_dir=_everywhere(given.out_dir),
        map_format=given.map_format,
        batch_size=given.batch_size,
        view=given.view,
        shard_images=given.shard_images,
    )
    listed = prediction.read_list(given.list) if given.list else []
    done = job.predict(settings, images, listed, options)
    print(f"Predicted {done.predicted}, skipped {done.skipped}: {given.out_dir}/shards")
    return SKIPPED if done.skipped else 0


def _everywhere(place):
    """A folder as workers name it, who may have been started elsewhere."""
    return place if "://" in place else os.path.abspath(place)


def run():
    """Parses the command line and runs the command."""
    commandline.run(main, takes_arguments=True)
