"""The README of gaze_folder says what the code does."""

import dataclasses
import pathlib

import pytest

import tfds_builders.gaze_folder
from tfds_builders.gaze_folder import recording
from tfds_builders.gaze_folder.readers import columns, formats, messages

README = pathlib.Path(tfds_builders.gaze_folder.__file__).with_name("README.md")


def test_the_table_of_formats_is_the_codes():
    """Else: `python -m tfds_builders.gaze_folder.readers.formats` prints it."""
    assert formats.markdown() in README.read_text("utf-8")


@pytest.mark.parametrize(
    "names", [messages.ONSET_MESSAGES, messages.OFFSET_MESSAGES, columns.IMAGE_NAMES]
)
def test_every_message_and_name_that_is_understood_is_listed(names):
    text = README.read_text("utf-8").lower()
    assert [name for name in names if f"`{name}`" not in text] == []


def test_every_entry_of_recording_json_is_listed():
    text = README.read_text("utf-8")
    fields = [field.name for field in dataclasses.fields(recording.Recording)]
    assert [name for name in fields if f"`{name}`" not in text] == []
