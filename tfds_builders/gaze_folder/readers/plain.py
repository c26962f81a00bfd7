"""A table of one's own: a time and a point on the screen."""

from tfds_builders.gaze_folder.readers import columns

PLAIN = columns.SampleFormat(
    name="plain table",
    time=("t", "time", "timestamp", "time_ms"),
    eyes=(
        (("left_x", "left_y"), ("right_x", "right_y")),
        (("x", "y"),),
        (("gaze_x", "gaze_y"),),
    ),
    users_own=True,
)
