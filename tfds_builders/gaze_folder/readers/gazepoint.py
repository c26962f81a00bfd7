"""Gazepoint Analysis and Control: shares of the screen, and the tracker's own fixations."""

from tfds_builders.gaze_folder.readers import columns

ALL_GAZE = columns.SampleFormat(
    name="Gazepoint, all gaze",
    time=("time",),
    eyes=(
        (("lpogx", "lpogy"), ("rpogx", "rpogy")),
        (("bpogx", "bpogy"),),
    ),
    image=(*columns.IMAGE_NAMES, "media_name"),
    validity=(("lpogv", "rpogv"), ("bpogv",)),
    valid=("1",),
    shares=True,
    own=columns.OwnFixations(
        index="fpogid",
        x="fpogx",
        y="fpogy",
        duration="fpogd",
        kind="fpogv",
        kinds=("1", "1.0"),
        start="fpogs",
    ),
    needed=("fpogx",),
    time_unit=1e3,
)
"""The header names the time of recording in the column's own name: `TIME(2022/09/19 ...)`."""
