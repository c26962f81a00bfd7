"""Prepares the set of noise that tiny runs train on: `python tiny_data.py DATA_DIR`."""

import sys

from dotted_sets import DottedNoise

if __name__ == "__main__":
    DottedNoise(data_dir=sys.argv[1]).download_and_prepare()
