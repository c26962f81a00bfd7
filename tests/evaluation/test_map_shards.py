"""Shards of predictions as methods: they score as a folder of the same maps."""

import json

import numpy as np
import prediction_rows
import pytest
from map_files import write_maps

from salclass_tf.evaluation.methods import find
from salclass_tf.evaluation.tables import paper


def of_folder(folder):
    return {f"photos/{path.stem}.png": np.load(path) for path in sorted(folder.iterdir())}


def settings_for(models, tiny_data_dir, output, **more):
    measures = ("nss", "kl", "information_gain")
    return paper.Settings(
        models, ("dotted_noise",), (4,), measures, data_dir=tiny_data_dir, output=output, **more
    )


@pytest.mark.parametrize("view", ["whole", "crop"])
def test_shards_score_as_the_folder_of_their_maps(tmp_path, tiny_data_dir, view):
    folder = write_maps(tmp_path / "folder", tiny_data_dir)
    prediction_rows.write(tmp_path / "shards", of_folder(folder), size=4, skipped={"z.png": "?"})
    models = f"folder={folder}", f"shards={tmp_path / 'shards'}"
    paper.run(settings_for(models, tiny_data_dir, tmp_path / "tables", view=view))
    rows = json.loads((tmp_path / "tables" / "table4.json").read_text())["rows"]
    rows = {row["labels"]["method"]: row for row in rows}
    assert rows["shards"]["metrics"] == rows["folder"]["metrics"]
    assert rows["shards"]["labels"]["model"].endswith("(6 maps; detector x)")


def test_an_image_that_was_skipped_is_named_with_the_reason(tmp_path, tiny_data_dir):
    maps = of_folder(write_maps(tmp_path / "folder", tiny_data_dir))
    name, _ = maps.popitem()
    prediction_rows.write(tmp_path / "shards", maps, 4, skipped={name: "no regular file"})
    with pytest.raises(ValueError, match=r"no map of 5: it was skipped \(no regular file\)"):
        paper.run(settings_for((str(tmp_path / "shards"),), tiny_data_dir, tmp_path / "tables"))


def test_a_part_of_the_shards_is_refused_before_anything_is_computed(tmp_path):
    maps = {f"{n}.png": np.ones((2, 3), np.float32) for n in range(9)}
    prediction_rows.write(tmp_path / "shards", maps, 4)
    next((tmp_path / "shards").iterdir()).unlink()
    with pytest.raises(ValueError, match="lacks 1 of 3 shards"):
        find.find(f"x={tmp_path / 'shards'}")
