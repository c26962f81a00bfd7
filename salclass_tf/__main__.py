"""The command `salclass`, and `python -m salclass_tf`: one program for every command."""

import difflib
import importlib
import sys

#: command -> what it does, for `--help`. Its module is `salclass_tf.commands.<command>`.
COMMANDS = {
    "train": "Trains a stage, and first the stages that it starts from.",
    "evaluate": "Prints the paper's tables and draws its figures, for any models and data sets.",
    "predict": "Predicts images: classes, maps and overlays.",
    "export": "Writes a trained network for TensorFlow Serving, ONNX or TensorFlow Lite.",
    "reproduce": "Runs the paper's experiments and writes a report.",
    "prepare": "Prepares data sets: `salclass prepare osie cub_gha`.",
    "pysaliency": "Writes data sets and maps as HDF5 files that pysaliency reads.",
    "submit": "Writes maps as a submission to MIT300, CAT2000 or COCO-FreeView.",
    "demo": "Serves a page to drop pictures on, at http://127.0.0.1:7860.",
    "record": "Records gaze on pictures that people recognise: plan, session, study.",
    "gaze": "Checks a folder of own eye-tracking recordings: `salclass gaze check DIR`.",
}

#: exit code of a mistake in the command line
BAD_INPUT = 2


def main() -> None:
    """Runs the command that the command line names, with the arguments behind it."""
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in ("--help", "-h", "help"):
        print(usage())
        return
    if name not in COMMANDS:
        sys.exit(_fail(name))
    # Imported only now: the flags of several commands have the same names.
    command = importlib.import_module(f"salclass_tf.commands.{name}")
    sys.modules["__main__"].__doc__ = command.__doc__  # absl prints it above a list of flags
    sys.argv = [f"salclass {name}", *arguments]
    command.run()


def usage() -> str:
    """Returns what `salclass --help` prints: each command and what it does, a line each."""
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:{width}}  {does}" for name, does in COMMANDS.items())
    return f"usage: salclass COMMAND [--flag=value ...]\n\n{listed}\n\nsalclass COMMAND --help"


def _fail(name: str) -> int:
    """Prints what is wrong with a command that there is not, returns the exit code."""
    near = difflib.get_close_matches(name, COMMANDS, n=1)
    remedy = f"did you mean {near[0]!r}?" if near else f"commands: {', '.join(COMMANDS)}"
    print(f"error: unknown command {name!r}; {remedy}", file=sys.stderr)
    return BAD_INPUT


if __name__ == "__main__":
    main()
