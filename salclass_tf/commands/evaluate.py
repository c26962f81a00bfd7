"""Prints the paper's tables and draws its figures: `salclass evaluate --model=runs/demo`."""

import pathlib

from absl import flags

from salclass_tf import commandline

flags.DEFINE_multi_string(
    "model",
    ["runs/demo"],
    "[NAME=]PATH of a run, of runs of several seeds (WORKDIR/seeds), a stage of either, a .keras "
    "file, an export, a folder of maps (PNG, NPY) or of shards of predict --runner; may be "
    "repeated. The first one is tested against the others.",
)
flags.DEFINE_multi_string(
    "dataset", [], "Data sets, repeated or with commas; default: those that models learned from."
)
flags.DEFINE_list("table", None, "Tables of the paper: 1, 4, 5, 6; default: 4,5 without a figure.")
flags.DEFINE_list(
    "figure",
    [],
    "Figures of the paper: 3 (maps before and after the class error), 4 (a sweep of alpha), 5 and "
    "6 (methods side by side, on the sets they learned from and on others), 7 (Table 7: regions "
    "that activate feature maps most), overlays, or confusion (which classes are taken for which).",
)
flags.DEFINE_integer("images", 6, "How many images a figure shows; 7: for each map and data set.")
flags.DEFINE_list(
    "pick", [], "Images of figures: changed (Fig. 3), random, or names of images with commas."
)
flags.DEFINE_integer("seed", 0, "Of the random choice of images.")
flags.DEFINE_list("layers", [], "Of Fig. 7: layers of the classifier; default: four depths.")
flags.DEFINE_list(
    "channels", [], "Of Fig. 7: numbers from 0, 5 or mixed7:5; default: three that vary most."
)
flags.DEFINE_list("measures", None, "Metrics of Table 4; default: shuffled_auc,nss,cc.")
flags.DEFINE_list(
    "baselines",
    None,
    "Rows of Table 4 without a model: true_maps, human, centre, uniform, gaussian, "
    "spectral_residual; default: the first three. With it --model has no default.",
)
flags.DEFINE_enum("over", "images", ("images", "fixations"), "What Table 4 has means over.")
flags.DEFINE_enum(
    "map_kind",
    "auto",
    ("auto", "map", "density", "log_density"),
    "What the numbers in folders of maps are; auto takes values at most 0 whose exponentials sum "
    "to 1 for log densities.",
)
flags.DEFINE_boolean(
    "gradcam", False, "Grad-CAM maps of Keras classifiers beside the maps of detectors."
)
flags.DEFINE_enum(
    "view",
    None,
    ("whole", "crop"),
    "What maps are scored on: whole images in their own pixels, or the central crop that networks "
    "are trained on; default: crop where networks alone are compared, whole with folders of maps.",
)
flags.DEFINE_string("split", None, "Split or slice to evaluate; default: the test part.")
flags.DEFINE_string("data_dir", None, "Prepared data sets; default: ~/tensorflow_datasets.")
flags.DEFINE_string("manual_dir", None, "Folder of original files of a set, if not downloaded.")
flags.DEFINE_string("output", "runs/evaluation", "Folder of tables, figures and finished parts.")


def main():
    """Turns flags into settings and evaluates."""
    from salclass_tf.evaluation import paper_figures
    from salclass_tf.evaluation.maps import evaluate  # imports TensorFlow
    from salclass_tf.evaluation.tables import paper

    given = flags.FLAGS
    names = [name.strip() for text in given.dataset for name in text.split(",")]
    alone = bool(given.baselines) and not given["model"].present
    where = {
        "models": () if alone else tuple(given.model),
        "datasets": tuple(name for name in names if name),
        "split": given.split,
        "data_dir": given.data_dir,
        "manual_dir": given.manual_dir,
        "output": pathlib.Path(given.output),
        "map_kind": given.map_kind,
        "gradcam": given.gradcam,
        "view": given.view,
    }
    numbers = given.table if given.table is not None else [] if given.figure else ["4", "5"]
    drawn = given.figure and paper_figures.Settings(
        **where,
        figures=tuple(given.figure),
        images=given.images,
        pick=tuple(given.pick),
        seed=given.seed,
        layers=tuple(given.layers),
        channels=tuple(given.channels),
    )
    if numbers:
        measures = tuple(given.measures or evaluate.TABLE_4)
        tables = tuple(map(_number, numbers))
        chosen = {} if given.baselines is None else {"baselines": tuple(given.baselines)}
        paper.run(
            paper.Settings(**where, **chosen, tables=tables, measures=measures, over=given.over)
        )
    if drawn:
        paper_figures.run(drawn)


def _number(text: str) -> int:
    """Reads the number of a table."""
    if text.isdecimal():
        return int(text)
    from salclass_tf.evaluation.tables import published

    known = ", ".join(map(str, published.TABLES))
    raise ValueError(f"tables are some of {known}; got {text!r}")


def run():
    """Parses the command line and runs the command."""
    commandline.run(main)
