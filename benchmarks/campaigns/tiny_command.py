"""The command `salclass`, which knows the set of noise: `python tiny_command.py evaluate ...`."""

import dotted_sets  # registers it

from salclass_tf.__main__ import main

assert dotted_sets.DottedNoise.name == "dotted_noise"

if __name__ == "__main__":
    main()
