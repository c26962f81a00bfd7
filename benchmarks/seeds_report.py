"""A report of runs of several seeds: what benchmarks that train them share."""

import argparse
import logging
import sys
from collections.abc import Callable

from salclass_tf.config.flag_checks import seed_values


def write(given: argparse.Namespace, name: str, make: Callable[[tuple[int, ...]], str]) -> int:
    """Makes a report, prints it and writes it; a user's mistake is told in one line.

    Args:
        given: the command line; `seeds` as text, `workdir` for the file.
        name: of the file.
        make: trains what is missing of some seeds and returns the report.

    Returns:
        The exit code.
    """
    logging.getLogger("salclass_tf").setLevel(logging.INFO)  # what training does
    try:
        text = make(seed_values(given.seeds.split(","), None, None))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print(f"{stop or 'interrupted'}; the same command goes on", file=sys.stderr)
        return 130
    from salclass_tf.runs.files import write_text

    write_text(given.workdir / name, text + "\n")
    print(text)
    return 0
