"""Images without gaze are counted, of points and of maps."""

import pytest
from dotted_sets import DottedNoise, SeldomSeen

from salclass_tf.data import gaze_counts
from salclass_tf.data.gaze_counts import GazeCount


@pytest.mark.parametrize(
    ("config", "unseen"), [("none", 12), ("half", 6), ("black", 12), ("half_black", 6)]
)
def test_images_that_nobody_looked_at_are_counted(config, unseen, tmp_path):
    builder = SeldomSeen(config=config, data_dir=tmp_path)
    builder.download_and_prepare()
    assert gaze_counts.count(builder, "train") == GazeCount(12, unseen)
    assert gaze_counts.count(builder, "test") == GazeCount(6, 6)
    halves = [gaze_counts.count(builder, split) for split in ("train[:5]", "train[5:]")]
    assert [half.images for half in halves] == [5, 7]
    assert sum(half.without_gaze for half in halves) == unseen
    assert gaze_counts.count(builder, "train").share_without == unseen / 12


def test_set_that_knows_it_is_not_read(tiny_data_dir, monkeypatch):
    builder = DottedNoise(data_dir=tiny_data_dir)
    assert gaze_counts.count(builder, "train[9:]") == GazeCount(3, 0)
    builder.info.metadata["images_without_fixations"] = 0
    monkeypatch.setattr(builder, "as_dataset", None)
    assert gaze_counts.count(builder, "train[:9]") == GazeCount(9, 0)
