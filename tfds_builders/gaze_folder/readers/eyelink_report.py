"""EyeLink Data Viewer's sample report, and samples as R's `eyelinker` names them."""

from tfds_builders.gaze_folder.readers import columns

SAMPLE_REPORT = columns.SampleFormat(
    name="EyeLink Data Viewer, sample report",
    time=("timestamp",),
    eyes=((("left_gaze_x", "left_gaze_y"), ("right_gaze_x", "right_gaze_y")),),
    viewer=("recording_session_label", *columns.VIEWER_NAMES),
    time_unit=1.0,
)

EYELINKER = columns.SampleFormat(
    name="EyeLink samples as CSV by R's eyelinker",
    time=("time",),
    eyes=((("xpl", "ypl"), ("xpr", "ypr")), (("xp", "yp"),)),
)
