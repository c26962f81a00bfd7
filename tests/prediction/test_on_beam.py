"""Prediction on Beam: the numbers of the local path, in shards that are whole or not there."""

import csv
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import demo_export
import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from encoded_images import VALID

from salclass_tf import prediction, prediction_shards

beam = pytest.importorskip("apache_beam")
from apache_beam.io import localfilesystem  # noqa: E402

from salclass_tf.prediction.on_beam import engines, job, plan, stages  # noqa: E402
from salclass_tf.prediction.on_beam.handler import Row  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Disk(localfilesystem.LocalFileSystem):
    """Addresses `disk://...`, which stand for paths, as `gs://` stands for a bucket."""

    @classmethod
    def scheme(cls):
        return "disk"

    def has_dirs(self):
        return False

    def join(self, basepath, *paths):
        return "/".join([basepath.rstrip("/"), *paths])

    def _list(self, prefix):
        for one in super()._list(path_of(prefix)):
            yield type(one)(f"disk:/{one.path}", one.size_in_bytes, one.last_updated_in_seconds)

    def _path_open(self, path, *args, **kwargs):
        return super()._path_open(path_of(path), *args, **kwargs)

    def create(self, path, *args, **kwargs):
        pathlib.Path(path_of(path)).parent.mkdir(parents=True, exist_ok=True)
        return self._path_open(path, "wb", *args, **kwargs)

    def exists(self, path):
        return super().exists(path_of(path))

    def rename(self, sources, targets):
        return super().rename(list(map(path_of, sources)), list(map(path_of, targets)))


def path_of(address):
    return address.replace("disk://", "/", 1)


@pytest.fixture(scope="module")
def export_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "colours"
    demo_export.write(folder / "1")
    return str(folder)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Images of every kind in two folders, two of them broken, and a list with one that is gone."""
    folder = tmp_path_factory.mktemp("photos")
    for number, image in enumerate(VALID.values()):
        path = folder / "ab"[number % 2] / f"{number:02}.img"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(image)
    (folder / "a" / "03.img").write_bytes(b"no image")
    (folder / "b" / "02.img").write_bytes(VALID["png"][:60])
    paths = sorted(map(str, folder.glob("*/*.img")))
    (folder / "list.txt").write_text("\n".join([*paths, f"{folder}/a/gone.jpg"]) + "\n")
    return folder


def settings_for(out_dir, export_dir, **more):
    how = {"map_format": "npy", "batch_size": 3, "view": "whole", "shard_images": 6}
    return job.Settings(export_dir=export_dir, out_dir=str(out_dir), **(how | more))


def predict(settings, photos, arguments=()):
    listed = () if arguments else prediction.read_list(photos / "list.txt")
    return job.predict(settings, arguments, listed, engines.choose("DirectRunner", []))


@pytest.fixture(scope="module")
def done(tmp_path_factory, export_dir, photos):
    """A job that nothing has disturbed, and its summary."""
    folder = tmp_path_factory.mktemp("done") / "out"
    return folder, predict(settings_for(folder, export_dir), photos)


def contents(folder):
    return {path.name: path.read_bytes() for path in (folder / "shards").iterdir()}


def test_shards_have_the_numbers_of_the_local_path(done, export_dir, photos, tmp_path):
    folder, summary = done
    model = prediction.load_export(export_dir)
    listed = prediction.read_list(photos / "list.txt")
    found = prediction.find_images([], tmp_path, listed)
    local = prediction.predict(model, found, tmp_path, batch_size=3)
    assert summary == local and summary.skipped == 3
    with (tmp_path / "predictions.csv").open(newline="") as file:
        expected = list(csv.DictReader(file))
    rows = pq.read_table(folder / "shards").to_pylist()
    assert [row["image"] for row in rows] == [row["image"] for row in expected]
    for row, local_row in zip(rows, expected, strict=True):
        assert (row["error"] or "") == local_row["error"]
        assert row["name"] == os.path.relpath(row["image"], photos)
        if row["error"]:
            continue
        assert row["map"] == (tmp_path / local_row["map"]).read_bytes()
        for column in set(row) - {"name", "map", "error"}:
            told = local_row[column]
            assert row[column] == (
                np.float32(told) if isinstance(row[column], float) else type(row[column])(told)
            ), column
    assert {row["error"] for row in rows} >= {"No such file or directory"}


@pytest.mark.parametrize("more", [{"map_format": "png"}, {"view": "crop"}])
def test_maps_are_the_files_of_the_local_path_in_other_forms(more, export_dir, photos, tmp_path):
    settings = settings_for(tmp_path / "out", export_dir, **more)
    predict(settings, photos, [str(photos / "a" / "0*.img")])
    model = prediction.load_export(export_dir)
    found = prediction.find_images([str(photos / "a" / "0*.img")], tmp_path)
    prediction.predict(model, found, tmp_path / "local", batch_size=3, **more)
    rows = pq.read_table(tmp_path / "out" / "shards").to_pylist()
    for row in rows:
        name = pathlib.Path(row["name"]).stem
        if not row["error"]:
            path = tmp_path / "local" / "maps" / f"{name}.{settings.map_format}"
            assert row["map"] == path.read_bytes()


def test_a_job_goes_on_with_the_shards_that_are_missing(done, export_dir, photos, tmp_path):
    folder, summary = done
    shutil.copytree(folder, tmp_path / "out")
    shards = tmp_path / "out" / "shards"
    (first, second, *_) = sorted(shards.iterdir())
    second.unlink()
    (shards / f".{second.name}.0123.unfinished").write_bytes(b"half")
    first.write_bytes(first.read_bytes())  # the same, but newer than any that is made again
    before = first.stat().st_mtime_ns
    assert predict(settings_for(tmp_path / "out", export_dir), photos) == summary
    assert contents(tmp_path / "out") == contents(folder)
    assert first.stat().st_mtime_ns == before


def test_a_shard_that_an_earlier_attempt_has_made_is_not_made_again(done, photos):
    """A runner repeats the work of a worker that was lost."""
    count = len(contents(done[0]))
    shards = tuple(plan.Shard(number, 0, 0, 0) for number in range(count))
    reading = stages.ReadShards(plan.Plan(str(done[0]), str(photos), shards), batch_size=3)
    assert list(reading.process(shards[0])) == []
    missing = plan.Shard(0, 1, 0, len((done[0] / plan.IMAGES).read_bytes().splitlines()[0]))
    reading = stages.ReadShards(plan.Plan(str(done[0]), str(photos), (missing,)), batch_size=3)
    assert [len(batch) for batch in reading.process(missing)] == [1]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"map_format": "png"}, "its map_format is 'npy', here 'png'"),
        ({"shard_images": 7}, "its shard_images is 6, here 7"),
        ({"view": "crop"}, "its maps is 'whole images, squeezed to 40 x 40'"),
    ],
)
def test_shards_of_two_jobs_are_not_mixed(more, said, done, export_dir, photos):
    with pytest.raises(ValueError, match=f"another job: {said}"):
        predict(settings_for(done[0], export_dir, **more), photos)


def test_a_job_on_other_images_is_another(done, export_dir, photos):
    with pytest.raises(ValueError, match="another job"):
        predict(settings_for(done[0], export_dir), photos, [str(photos / "a" / "*.img")])


def test_all_may_lie_at_addresses(done, export_dir, photos, tmp_path):
    def at(path):
        return f"disk:/{path}"

    settings = settings_for(at(tmp_path / "out"), at(export_dir))
    address = at(photos)
    found = job.predict(
        settings,
        [f"{address}/a/*.img", f"{address}/b/*.img"],
        [f"{address}/a/gone.jpg"],
        engines.choose("DirectRunner", []),
    )
    assert found == done[1]
    rows = [pq.read_table(folder / "shards").to_pylist() for folder in (done[0], tmp_path / "out")]
    for row, other in zip(*rows, strict=True):
        assert other.pop("image") == at(row.pop("image"))
        assert row == other
    with pytest.raises(ValueError, match="no file matches 'disk://"):
        job.predict(settings, [f"{address}/*.none"], [], None)
    with pytest.raises(ValueError, match="all lie on disk, or all at addresses"):
        job.predict(settings, [f"{address}/a/*.img", str(photos)], [], None)


def test_shards_torn_apart_by_a_shuffle_are_refused(tmp_path):
    shard = plan.Shard(0, 2, 0, 0)
    columns = prediction_shards.schema(0, False, {})
    writer = stages.WriteShards(plan.Plan(str(tmp_path), "", (shard,)), columns)
    writer.start_bundle()
    assert list(writer.process(Row(shard, 0, {"name": "a"}))) == []
    with pytest.raises(RuntimeError, match=r"torn the images of shards \[0\] apart"):
        writer.finish_bundle()
    writer.start_bundle()
    with pytest.raises(RuntimeError, match="torn"):
        list(writer.process(Row(shard, 1, {"name": "b"})))
    assert not list((tmp_path / "shards").iterdir())


@pytest.mark.slow
def test_two_workers_killed_on_the_way_leave_what_they_would_have_left(
    done, export_dir, photos, tmp_path
):
    """With everything that they have started, as a machine that loses power."""
    command = [sys.executable, "predict.py", f"--list={photos / 'list.txt'}", "--batch_size=3"]
    command += [f"--export_dir={export_dir}", f"--out_dir={tmp_path / 'out'}", "--shard_images=6"]
    command += ["--runner=DirectRunner", "--", "--direct_num_workers=2"]
    command += ["--direct_running_mode=multi_processing"]
    shards = tmp_path / "out" / "shards"
    with (tmp_path / "log").open("w") as log:
        killed = subprocess.Popen(command, cwd=ROOT, stderr=log, start_new_session=True)
        while killed.poll() is None and not (shards.is_dir() and list(shards.iterdir())):
            time.sleep(0.01)
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
        whole = {path.name for path in shards.glob("predictions-*")}
        assert all(contents(done[0])[name] == (shards / name).read_bytes() for name in whole)
        code = subprocess.run(command, cwd=ROOT, stderr=log).returncode
    assert code == 3, (tmp_path / "log").read_text()
    assert contents(tmp_path / "out") == contents(done[0])


def test_the_stock_handler_of_beam_cannot_read_an_export(export_dir):
    """Why there is one of our own: Keras, which it asks, reads no SavedModel."""
    with pytest.raises(ValueError, match="TFSMLayer"):
        tf.keras.models.load_model(f"{export_dir}/1")
