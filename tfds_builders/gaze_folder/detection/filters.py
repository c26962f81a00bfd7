"""The filters by name."""

import types

from tfds_builders.gaze_folder.detection import engbert_kliegl, i2mc, idt, ivt, remodnav

TRACKER = "tracker"
"""The tracker's own fixations, as they are in the file."""

OURS: dict[str, types.ModuleType] = {
    "ivt": ivt,
    "idt": idt,
    "i2mc": i2mc,
    "remodnav": remodnav,
    "engbert_kliegl": engbert_kliegl,
}
"""Modules with `parameters`, `stands`, `label`, `ALGORITHM` and `PACKAGE`."""
