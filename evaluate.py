"""Prints the paper's tables for trained models: `python evaluate.py --model=runs/demo`."""

import pathlib

from absl import flags

from salclass_tf import commandline

flags.DEFINE_multi_string(
    "model",
    ["runs/demo"],
    "[NAME=]PATH of a run, a stage of it, a .keras file, an export, or a folder of maps (PNG, "
    "NPY); may be repeated. The first one is tested against the others.",
)
flags.DEFINE_multi_string(
    "dataset", [], "Data sets, repeated or with commas; default: those that models learned from."
)
flags.DEFINE_list("table", ["4", "5"], "Tables of the paper: 1, 4, 5, 6.")
flags.DEFINE_list("measures", None, "Metrics of Table 4; default: shuffled_auc,nss,cc.")
flags.DEFINE_string("split", None, "Split or slice to evaluate; default: the test part.")
flags.DEFINE_string("data_dir", None, "Prepared data sets; default: ~/tensorflow_datasets.")
flags.DEFINE_string("manual_dir", None, "Folder of original files of a set, if not downloaded.")
flags.DEFINE_string("output", "runs/evaluation", "Folder of the tables and of finished parts.")


def main():
    """Turns flags into settings and evaluates."""
    from salclass_tf.evaluation import paper_tables, scoring  # imports TensorFlow

    given = flags.FLAGS
    names = [name.strip() for text in given.dataset for name in text.split(",")]
    paper_tables.run(
        paper_tables.Settings(
            models=tuple(given.model),
            datasets=tuple(name for name in names if name),
            tables=tuple(_number(text) for text in given.table),
            measures=tuple(given.measures or scoring.TABLE_4),
            split=given.split,
            data_dir=given.data_dir,
            manual_dir=given.manual_dir,
            output=pathlib.Path(given.output),
        )
    )


def _number(text: str) -> int:
    """The number of a table; 0, which no table has, for anything else."""
    return int(text) if text.isdecimal() else 0


if __name__ == "__main__":
    commandline.run(main)
