"""What people's files can be beside what they should be."""

import pytest

from salclass_tf.serving import trained
from tfds_builders.common import fixation_table, own_layout
from tfds_builders.gaze_folder import placement, responses, study
from tfds_builders.gaze_folder.readers import bids

LATIN_1 = "é".encode("latin-1")


@pytest.mark.parametrize(
    ("name", "header", "read"),
    [
        ("fixations.csv", "stem,viewer,index,x,y,duration_ms", fixation_table.read_table),
        ("splits.csv", "stem,split", lambda path: study._read_splits(path, {})),
        (
            "placement.csv",
            "stem,left,top,width,height",
            lambda p: placement.read_placement(p.parent),
        ),
        (
            "responses.csv",
            "stem,viewer,response,correct,recognised,recognition_time_ms",
            lambda path: responses.read_responses(path.parent),
        ),
        ("train.txt", "a", own_layout._read_list),
        ("names.txt", "a", trained._read_names),
        ("a_physio.json", "{", bids._read_json),
    ],
)
def test_a_text_in_another_encoding_is_named(tmp_path, name, header, read):
    path = tmp_path / name
    path.write_bytes(header.encode() + b"\n" + LATIN_1 + b",1,0,1,1,1\n")
    with pytest.raises(ValueError, match=rf"{name} must be .*(UTF-8|JSON) .*; save it"):
        read(path)
