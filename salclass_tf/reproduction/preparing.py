"""What a reproduction does besides training and evaluation, each in a process of its own.

python -m salclass_tf.reproduction.preparing prepare SET ... [--data_dir=] [--manual_dir=]
python -m salclass_tf.reproduction.preparing copy STAGE_FOLDER ... RUN_FOLDER
"""

import pathlib
from collections.abc import Iterable

from absl import flags

from salclass_tf import commandline
from salclass_tf.evaluation.methods import crops_of_sets
from salclass_tf.evaluation.tables import frozen_features
from salclass_tf.runs.stage_copies import copy_stage


def prepare(
    datasets: Iterable[str], data_dir: str | None = None, manual_dir: str | None = None
) -> None:
    """Opens all sets and prepares them.

    Raises:
        ValueError: naming all sets that cannot be prepared, and why.
    """
    frozen_features.check_installed()  # Table 6 needs it, hours from now
    names, failures = tuple(datasets), []
    for name in names:
        try:
            crops_of_sets.open_evaluated(name, data_dir, manual_dir)
        except (ValueError, OSError) as error:
            failures.append(f"  {name}: " + str(error).replace("\n", "\n    "))
    if failures:
        lines = "\n".join(failures)
        raise ValueError(
            f"{len(failures)} of {len(names)} data sets are not there:\n{lines}\nA set is looked "
            "for in --data_dir, the original files of all of them in --manual_dir; see "
            "docs/datasets.md"
        )


def main(arguments: list[str]) -> None:
    """Does what the command line says."""
    command, *names = arguments
    if command == "prepare":
        prepare(names, flags.FLAGS.data_dir, flags.FLAGS.manual_dir)
    else:
        *stages, run = map(pathlib.Path, names)
        for stage in stages:
            copy_stage(stage, run / stage.name)


if __name__ == "__main__":
    flags.DEFINE_string("data_dir", None, "Prepared data sets; default: ~/tensorflow_datasets.")
    flags.DEFINE_string("manual_dir", None, "Folder of original files, if not downloaded.")
    commandline.run(main, takes_arguments=True)
