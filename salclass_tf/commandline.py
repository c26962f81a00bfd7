"""What all scripts share: logging, and one clear line for a user's mistake."""

import logging
import sys
from collections.abc import Callable

import absl.logging
from absl import app, flags

from salclass_tf import failures
from salclass_tf.signals import sigterm_interrupts

flags.DEFINE_bool("debug", False, "Show the full traceback of an error.")

#: exit codes: a mistake in the input, a run that was asked to stop
BAD_INPUT, INTERRUPTED = 2, 130


def run(main: Callable[..., int | None], takes_arguments: bool = False) -> None:
    """Parses the flags and runs a script.

    Args:
        main: returns an exit code, None for 0; a ValueError or OSError of its is a mistake of the
            user's, and so is whatever a full disk raises. SIGTERM ends it as Ctrl-C does: what it
            has begun is cleaned up, and it is said.
        takes_arguments: whether `main` takes the list of what is on the command line beside flags;
            else it is called without arguments, and anything there is a mistake.
    """

    def guarded(argv: list[str]) -> int:
        absl.logging.set_verbosity(absl.logging.WARNING)
        own = logging.getLogger("salclass_tf")
        own.setLevel(logging.INFO)
        own.propagate = False
        own.addHandler(logging.StreamHandler())
        arguments = argv[1:]
        if arguments and not takes_arguments:
            return _fail(f"unexpected argument {arguments[0]!r}; flags are written --name=value")
        try:
            with sigterm_interrupts():
                return (main(arguments) if takes_arguments else main()) or 0
        except KeyboardInterrupt as stop:
            print(f"\n{str(stop) or 'interrupted'}; the same command goes on", file=sys.stderr)
            return INTERRUPTED
        except Exception as error:
            known = isinstance(error, (ValueError, OSError)) or failures.is_full_disk(error)
            if flags.FLAGS.debug or not known:
                raise
            return _fail(_told(error))

    _list_in_help(main.__module__)
    app.run(guarded)


def _list_in_help(module: str) -> None:
    """Lists a module's flags in `--help`, as those of the script that runs it."""
    for flag in flags.FLAGS.get_flags_for_module(module):
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)


def _told(error: Exception) -> str:
    """What is said of an error: its own words, with the remedy where a disk is full."""
    if not failures.is_full_disk(error) or failures.MAKE_ROOM in str(error):
        return str(error)
    return f"{failures.reason(error)}; {failures.MAKE_ROOM}"


def _fail(message: str) -> int:
    """Prints an error, returns the exit code."""
    print(f"error: {message}", file=sys.stderr)
    return BAD_INPUT
