"""Writes a submission to a benchmark: `salclass submit --benchmark=mit300 --model=runs/demo`."""

import pathlib

from absl import flags

from salclass_tf import commandline

flags.DEFINE_multi_string("model", ["runs/demo"], "[NAME=]PATH, as for evaluate; repeatable.")
flags.DEFINE_enum(
    "benchmark",
    "mit300",
    ("mit300", "cat2000", "coco_freeview"),
    "Whose test images are predicted; they are prepared as the data set of that name.",
)
flags.DEFINE_enum(
    "form",
    "hdf5",
    ("hdf5", "jpeg"),
    "Log densities in an HDF5 file, or grey JPEG files in a ZIP archive.",
)
flags.DEFINE_enum(
    "map_kind",
    "auto",
    ("auto", "map", "density", "log_density"),
    "What the numbers in folders and files of maps are that --model names.",
)
flags.DEFINE_string("data_dir", None, "Prepared data sets; default: ~/tensorflow_datasets.")
flags.DEFINE_string("manual_dir", None, "Folder of the original images, if not downloaded.")
flags.DEFINE_string("output", "submissions", "Folder of the files.")


def main():
    """Turns flags into names and writes."""
    from salclass_tf.evaluation.hand_over import maps, submissions  # imports TensorFlow

    given = flags.FLAGS
    named = maps.Named(
        tuple(given.model),
        data_dir=given.data_dir,
        manual_dir=given.manual_dir,
        map_kind=given.map_kind,
    )
    output = pathlib.Path(given.output)
    for path in submissions.submit(named, given.benchmark, output, given.form):
        print(f"Written: {path}")


def run():
    """Parses the command line and runs the command."""
    commandline.run(main)
