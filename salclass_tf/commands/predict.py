"""Predicts images: `salclass predict photos/*.jpg`."""

from absl import flags

from salclass_tf import commandline, config

flags.DEFINE_string("workdir", "runs/demo", "Folder of the run.")
flags.DEFINE_enum("stage", "joint", config.STAGES, "The stage whose network predicts.")
flags.DEFINE_string("export_dir", None, "An export that predicts, in place of a run.")
flags.DEFINE_string("out_dir", "predictions", "Folder of overlays, maps and tables.")
flags.DEFINE_enum("map_format", "npy", ("npy", "png"), "float32, or 16 bits from low to peak.")
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

#: exit code where images were skipped
SKIPPED = 3


def main(images):
    """Turns flags into a model and predicts."""
    given = flags.FLAGS
    of_runs = ("workdir", "stage", "max_pixels", "data_dir", "class_names")
    in_vain = [f"--{name}" for name in of_runs if given[name].present]
    if given.export_dir and in_vain:
        raise ValueError(f"an export has its own; leave out with it: {', '.join(in_vain)}")

    from salclass_tf import prediction  # imports TensorFlow: after the flags are known to be right

    found = prediction.find_images(images, given.out_dir)
    if given.export_dir:
        model = prediction.load_export(given.export_dir)
    else:
        model = prediction.load_run(**{name: getattr(given, name) for name in of_runs})
    print(f"Model: {model.name}")
    root = prediction.common_folder(images)
    how = (given.map_format, given.batch_size, given.view, root)
    done = prediction.predict(model, found, given.out_dir, *how)
    print(f"Predicted {done.predicted}, skipped {done.skipped}: {given.out_dir}/predictions.csv")
    return SKIPPED if done.skipped else 0


def run():
    """Parses the command line and runs the command."""
    commandline.run(main, takes_arguments=True)
