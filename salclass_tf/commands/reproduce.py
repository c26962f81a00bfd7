"""Runs the paper's experiments and writes a report: `salclass reproduce --preset=demo`."""

import pathlib

from absl import flags

from salclass_tf import commandline, config

flags.DEFINE_enum(
    "preset", "demo", config.PRESETS, "demo: an hour or two on two cores; paper: Sec. 5."
)
flags.DEFINE_string("workdir", None, "Folder of it all; default: runs/reproduction-<preset>.")
flags.DEFINE_string("data_dir", None, "Prepared data sets; default: ~/tensorflow_datasets.")
flags.DEFINE_string("manual_dir", None, "Folder of original files of sets, if not downloaded.")
flags.DEFINE_list("seeds", None, "Seeds of what is compared; default: 0,1,2 of demo, 0 of paper.")
flags.DEFINE_bool("dry_run", False, "Print the plan and the data that it needs; run nothing.")
flags.DEFINE_integer("steps", None, "Maximum number of steps of each stage of training: a try-out.")
flags.DEFINE_string("split", None, "Split or slice for tables and figures; default: the test part.")
flags.DEFINE_string("copy_to", None, "Folder for a copy of the finished report, small pictures.")


def main():
    """Turns flags into a plan and carries it out."""
    from salclass_tf import reproduction
    from salclass_tf.reproduction import copying

    given = flags.FLAGS
    seeds = config.seed_values(given.seeds, None, None)
    plan = reproduction.build_plan(given.preset, seeds)
    workdir = pathlib.Path(given.workdir or f"runs/reproduction-{given.preset}")
    place = reproduction.Place(workdir, given.data_dir, given.manual_dir, given.split, given.steps)
    print(reproduction.outline(plan, place))
    if given.dry_run:
        return
    report = reproduction.run(plan, place)
    if given.copy_to:
        copying.copy(report, pathlib.Path(given.copy_to))


def run():
    """Parses the command line and runs the command."""
    commandline.run(main)
