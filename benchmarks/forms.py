"""The flag `--forms` of benchmarks that measure a step in several ways."""

import argparse
from collections.abc import Sequence


def add_flag(parser: argparse.ArgumentParser, known: Sequence[str], default: str) -> None:
    """Adds `--forms`, which gives a list of names; one that is not known is refused.

    Args:
        parser: of the benchmark.
        known: names of its forms.
        default: some of them, with commas between.
    """
    listed = ", ".join(known)

    def read(text: str) -> list[str]:
        for form in (names := text.split(",")):
            if form not in known:
                raise argparse.ArgumentTypeError(f"forms are some of {listed}; got {form!r}")
        return names

    parser.add_argument("--forms", type=read, default=default, help=f"of {listed}")
