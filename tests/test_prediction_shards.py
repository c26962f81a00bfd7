"""Shards of predictions: what is written is read again, and what is no whole set is refused."""

import io

import numpy as np
import prediction_rows
import pyarrow.parquet as pq
import pytest

from salclass_tf import prediction_shards
from salclass_tf.prediction_shards import Shards


@pytest.fixture
def maps():
    rng = np.random.default_rng(0)
    names = [f"Action/{n:03}.jpg" for n in range(150)]
    return {name: rng.normal(size=(3, 5)).astype(np.float32) for name in names}


def test_maps_come_back_from_row_groups_of_several_shards(tmp_path, maps):
    prediction_rows.write(tmp_path, maps, size=70, skipped={"Action/200.jpg": "no image"})
    groups = [pq.ParquetFile(path).num_row_groups for path in prediction_shards.files(tmp_path)]
    assert groups == [2, 2, 1]
    shards = Shards(tmp_path)
    assert set(shards.names) == set(maps) and shards.skipped == {"Action/200.jpg": "no image"}
    assert shards.facts == prediction_rows.FACTS
    for name in ("Action/000.jpg", "Action/149.jpg", "Action/069.jpg", "Action/070.jpg"):
        np.testing.assert_array_equal(np.load(io.BytesIO(shards.read(name))), maps[name])


def test_other_programs_read_them(tmp_path, maps):
    pandas = pytest.importorskip("pandas")
    prediction_rows.write(tmp_path, maps, size=70)
    table = pandas.read_parquet(tmp_path)
    assert list(table["name"]) == list(maps) and table["error"].isna().all()
    assert list(table["map_peak"]) == [values.max() for values in maps.values()]


def test_large_maps_are_not_kept_until_there_are_many(tmp_path):
    columns = prediction_shards.schema(0, True, {})
    with (tmp_path / "x.parquet").open("wb") as file:
        writer = prediction_shards.Writer(file, columns)
        for _ in range(4):
            writer.add({"map": bytes(9 * 2**20)})
        writer.close()
    file = pq.ParquetFile(tmp_path / "x.parquet")
    assert [file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)] == [2, 2]


def cut(path):
    path.write_bytes(path.read_bytes()[:-9])


def of_other_division(path):
    path.rename(path.with_name(prediction_shards.file_name(1, 9)))


def of_another_job(path):
    rows = pq.read_table(path).to_pylist()
    other = prediction_shards.schema(0, True, prediction_rows.FACTS | {"model": "another"})
    with path.open("wb") as file:
        writer = prediction_shards.Writer(file, other)
        writer.add(rows[0])
        writer.close()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.unlink(), r"lacks 1 of 3 shards, the first is predictions-00001-of"),
        (
            lambda path: path.rename(path.with_name("predictions-00001-of-00009.parquet")),
            "of 3 and of 9",
        ),
        (cut, r"00001-of-00003\.parquet is no shard of predictions, or damaged"),
        (of_another_job, r"00001-of-00003\.parquet is of another job"),
    ],
)
def test_what_is_no_whole_set_is_refused(tmp_path, maps, spoil, said):
    prediction_rows.write(tmp_path, maps, size=70)
    spoil(tmp_path / prediction_shards.file_name(1, 3))
    with pytest.raises(ValueError, match=said):
        Shards(tmp_path)


def test_shards_of_a_classifier_have_no_maps(tmp_path):
    with (tmp_path / prediction_shards.file_name(0, 1)).open("wb") as file:
        writer = prediction_shards.Writer(file, prediction_shards.schema(1, False, {}))
        writer.add({"name": "1.jpg", "class_1": "heron", "probability_1": 0.5})
        writer.close()
    with pytest.raises(ValueError, match="without maps: those of a classifier"):
        Shards(tmp_path)
