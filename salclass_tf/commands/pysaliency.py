"""Writes data sets and maps for pysaliency: `salclass pysaliency --dataset=osie`."""

import pathlib

from absl import flags

from salclass_tf import commandline

flags.DEFINE_multi_string(
    "model", [], "[NAME=]PATH, as for evaluate; may be repeated. Without one data sets alone."
)
flags.DEFINE_multi_string(
    "dataset", [], "Data sets, repeated or with commas; default: those that models learned from."
)
flags.DEFINE_list(
    "kinds",
    ["map", "log_density"],
    "What is written of models: maps for HDF5SaliencyMapModel, log densities for HDF5Model.",
)
flags.DEFINE_enum(
    "map_kind",
    "auto",
    ("auto", "map", "density", "log_density"),
    "What the numbers in folders and files of maps are that --model names.",
)
flags.DEFINE_string("split", None, "Split or slice; default: the test part.")
flags.DEFINE_string("data_dir", None, "Prepared data sets; default: ~/tensorflow_datasets.")
flags.DEFINE_string("manual_dir", None, "Folder of original files of a set, if not downloaded.")
flags.DEFINE_string("output", "pysaliency", "Folder that gets a folder for each data set.")


def main():
    """Turns flags into names and hands over."""
    given = flags.FLAGS
    names = [name.strip() for text in given.dataset for name in text.split(",")]
    if not (given.model or any(names)):
        raise ValueError("name what to hand over: --dataset=osie, --model=runs/demo, or both")

    from salclass_tf.evaluation.hand_over import maps, pysaliency  # imports TensorFlow

    named = maps.Named(
        tuple(given.model),
        tuple(name for name in names if name),
        given.split,
        given.data_dir,
        given.manual_dir,
        given.map_kind,
    )
    for folder in pysaliency.hand_over(named, pathlib.Path(given.output), given.kinds):
        print(f"Written: {folder}")


def run():
    """Parses the command line and runs the command."""
    commandline.run(main)
