"""What all scripts share: logging, and one clear line for a user's mistake."""

import logging
import os
import sys
from collections.abc import Callable

# Before TensorFlow is imported: its start-up notes are no news to a user.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import absl.logging  # noqa: E402
from absl import app, flags  # noqa: E402

flags.DEFINE_bool("debug", False, "Show the full traceback of an error.")

#: exit codes: a mistake in the input, a run that was asked to stop
BAD_INPUT, INTERRUPTED = 2, 130


def run(main: Callable[[], None]) -> None:
    """Parses the flags and runs a script.

    Args:
        main: called without arguments; a ValueError or OSError of its is a mistake of the user's.
    """

    def guarded(argv: list[str]) -> int:
        absl.logging.set_verbosity(absl.logging.WARNING)
        own = logging.getLogger("salclass_tf")
        own.setLevel(logging.INFO)
        own.propagate = False
        own.addHandler(logging.StreamHandler())
        if len(argv) > 1:
            return _fail(f"unexpected argument {argv[1]!r}; flags are written --name=value")
        try:
            main()
        except (ValueError, OSError) as error:
            if flags.FLAGS.debug:
                raise
            return _fail(str(error))
        except KeyboardInterrupt as stop:
            print(f"\n{stop or 'interrupted'}; the same command goes on", file=sys.stderr)
            return INTERRUPTED
        return 0

    app.run(guarded)


def _fail(message: str) -> int:
    """Prints an error, returns the exit code."""
    print(f"error: {message}", file=sys.stderr)
    return BAD_INPUT
