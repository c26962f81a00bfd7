"""Small exports of eye trackers: gaze that steps from place to place, in any format."""

import pathlib

import numpy as np

from tfds_builders.gaze_folder import recording
from tfds_builders.gaze_folder.presentation import Presentation
from tfds_builders.gaze_folder.readers import formats, reader

SCREEN = {"screen_width_px": 1000, "screen_height_px": 800}


def write(folder: pathlib.Path, name: str, header: str, lines: list[str]) -> pathlib.Path:
    """Writes a table."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *lines]) + "\n", "utf-8")
    return path


def read(
    path: pathlib.Path, viewer: str = "", sizes: dict | None = None, **facts
) -> tuple[reader.Reader, list[Presentation]]:
    """Recognises and reads a file."""
    setting = reader.Setting(viewer, recording.Recording(**facts), sizes or {})
    file = formats.open_file(path, setting)
    return file, list(file.presentations())


def places(shown: Presentation) -> list:
    """Places of the eyes as plain lists, None where one was lost."""
    rounded = np.round(shown.eyes, 6).tolist()
    return [[None if np.isnan(eye).any() else eye for eye in eyes] for eyes in rounded]
