"""Tobii: Pro Lab, Studio, and tables of the SDK."""

from tfds_builders.gaze_folder.readers import columns

PRO_LAB = columns.SampleFormat(
    name="Tobii Pro Lab, data export",
    time=("recording timestamp",),
    eyes=(
        (("gaze point left x", "gaze point left y"), ("gaze point right x", "gaze point right y")),
        (("gaze point x", "gaze point y"),),
    ),
    viewer=("participant name",),
    image=("presented media name", "presented stimulus name"),
    filled="eyetracker timestamp",
    place=(
        "presented media position x",
        "presented media position y",
        "presented media width",
        "presented media height",
    ),
    validity=(("validity left", "validity right"), ()),
    own=columns.OwnFixations(
        index="eye movement type index",
        x="fixation point x",
        y="fixation point y",
        duration="gaze event duration",
        kind="eye movement type",
    ),
)
"""Pixels of the screen (DACS)."""

STUDIO = columns.SampleFormat(
    name="Tobii Studio 3, data export",
    time=("recordingtimestamp",),
    eyes=(
        (("gazepointleftx", "gazepointlefty"), ("gazepointrightx", "gazepointrighty")),
        (("gazepointx", "gazepointy"),),
    ),
    viewer=("participantname",),
    image=("medianame",),
    filled="gazepointindex",
    place=("mediaposx", "mediaposy", "mediawidth", "mediaheight"),
    validity=(("validityleft", "validityright"), ()),
    valid=("0", "1"),
    own=columns.OwnFixations(
        index="fixationindex",
        x="fixationpointx (mcspx)",
        y="fixationpointy (mcspx)",
        duration="gazeeventduration",
        kind="gazeeventtype",
        in_media=True,
    ),
    time_unit=1.0,
)
"""Of the five codes of validity, 0 and 1 are eyes that were seen for certain or probably."""

STUDIO_OLD = columns.SampleFormat(
    name="Tobii Studio 1 and 2, all data export",
    time=("timestamp",),
    eyes=(
        (("gazepointxleft", "gazepointyleft"), ("gazepointxright", "gazepointyright")),
        (("gazepointx", "gazepointy"),),
    ),
    viewer=("participantname", "recordingname"),
    image=("medianame", "stimuliname"),
    place=("mediaposx", "mediaposy", "mediawidth", "mediaheight"),
    validity=(("validityleft", "validityright"), ()),
    valid=("0", "1"),
    time_unit=1.0,
)

SDK = columns.SampleFormat(
    name="Tobii SDK, table of gaze data",
    time=("device_time_stamp", "system_time_stamp"),
    eyes=(
        (
            ("left_gaze_point_on_display_area_x", "left_gaze_point_on_display_area_y"),
            ("right_gaze_point_on_display_area_x", "right_gaze_point_on_display_area_y"),
        ),
        (
            ("left_gaze_point_x", "left_gaze_point_y"),
            ("right_gaze_point_x", "right_gaze_point_y"),
        ),
        (("left_x", "left_y"), ("right_x", "right_y")),
    ),
    validity=(
        (
            "left_gaze_point_validity",
            "right_gaze_point_validity",
            "left_gaze_point_valid",
            "right_gaze_point_valid",
        ),
        ("left_gaze_point_validity", "right_gaze_point_validity"),
        ("left_valid", "right_valid"),
    ),
    shares=True,
    time_unit=1e-3,
)

SDK_OLD = columns.SampleFormat(
    name="Tobii SDK 2, table of gaze data",
    time=("reltimestamp", "time"),
    eyes=((("lgazepos2dx", "lgazepos2dy"), ("rgazepos2dx", "rgazepos2dy")),),
    validity=(("lvalidity", "rvalidity"),),
    valid=("0", "1"),
    shares=True,
)
