"""Pupil Labs: gaze that was mapped to a reference image or to a surface."""

import dataclasses

from tfds_builders.gaze_folder.readers import columns

REFERENCE_IMAGE = columns.SampleFormat(
    name="Pupil Cloud and Neon, gaze on a reference image",
    time=("timestamp",),
    eyes=((("gaze position in reference image x", "gaze position in reference image y"),),),
    viewer=(*columns.VIEWER_NAMES, "wearer", "recording id"),
    validity=(("gaze detected in reference image",),),
    valid=("true",),
    image_pixels=True,
    time_unit=1e-6,
)
"""Pixels of the reference image; gaze beside it has no coordinates."""

SURFACE = dataclasses.replace(
    REFERENCE_IMAGE,
    name="Pupil Cloud and Neon, gaze on a surface",
    eyes=((("gaze position on surface x", "gaze position on surface y"),),),
    validity=(("gaze detected on surface",),),
    shares=True,
)

CORE_SURFACE = columns.SampleFormat(
    name="Pupil Core, gaze on a surface",
    time=("gaze_timestamp",),
    eyes=((("x_norm", "y_norm"),),),
    validity=(("on_surf",),),
    valid=("true",),
    shares=True,
    upwards=True,
    image_pixels=True,
    time_unit=1e3,
)
"""Pupil Player: seconds; y upwards from the surface's lower edge."""
