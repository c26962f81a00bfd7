"""Prepares data sets by name: `salclass prepare osie cub_gha`."""

from absl import flags

from salclass_tf import commandline

flags.DEFINE_string("data_dir", None, "Prepared data sets; default: ~/tensorflow_datasets.")
flags.DEFINE_string("manual_dir", None, "Folder of original files, if not downloaded.")


def main(names):
    """Prepares all sets that can be, and names those that cannot together."""
    from salclass_tf.evaluation.methods import evaluated_sets  # imports TensorFlow

    given = flags.FLAGS
    if not names:
        raise ValueError("name data sets to prepare, for example: salclass prepare osie")
    evaluated_sets.prepare_all(names, given.data_dir, given.manual_dir)


def run():
    """Parses the command line and runs the command."""
    commandline.run(main, takes_arguments=True)
