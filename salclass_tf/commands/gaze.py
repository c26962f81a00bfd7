"""Checks a folder of recordings before anything is built from it: `salclass gaze check DIR`."""

import sys

from tfds_builders.gaze_folder.__main__ import main


def run():
    """Parses the command line and runs the command."""
    sys.exit(main(sys.argv[1:], program=sys.argv[0]))
