"""The study on the disk, and what `gaze_folder` reads in it."""

import csv
import dataclasses
import json
import shutil

import acted_session
import numpy as np
import pytest
from acted_session import Actor, planned_recording, play

from salclass_tf.recording import plan, study
from salclass_tf.recording.screen import Screen


@pytest.fixture
def recording(tmp_path):
    """Two people who see six pictures each, one of whom was recorded."""
    folder = planned_recording(tmp_path, people=2)
    play(folder, "p01", Actor(plan.read_plan(folder), lost=(2,)))
    return folder


def table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_samples_say_where_when_and_how_blurred(recording):
    folder = study.collect(recording)
    stem = plan.read_plan(recording).people["p01"].stems[0]
    rows = table(folder / "samples" / "p01" / f"{stem}.csv")
    assert len(rows) == 90
    assert rows[3] == {
        "t": "50.000", "x": "", "y": "", "viewer": "p01", "stem": stem, "blur_variance": "10",
    }  # fmt: skip
    assert [row["blur_variance"] for row in rows] == ["10"] * 30 + ["9"] * 60  # from 500 ms on


def test_answers_and_frames_stand_in_one_table(recording):
    rows = table(study.collect(recording) / "responses.csv")
    stems = sorted(plan.read_plan(recording).people["p01"].stems)
    assert [row["stem"] for row in rows] == stems
    for row in rows:
        stopped = not row["stem"].endswith("1")
        assert row["recognised"] == str(int(stopped))
        assert row["correct"] == ("1" if stopped else "")
        assert row["recognition_time_ms"] == ("1200.0" if stopped else "")
        assert (row["onset_s"], row["offset_s"]) == ("10.0000", "11.5000")
        assert (row["frames"], row["dropped_frames"]) == ("4", "2")
    assert sorted(row["attempt"] for row in rows) == ["1"] * 5 + ["2"]


def test_the_recording_tells_degrees(recording):
    facts = json.loads((study.collect(recording) / "recording.json").read_text())
    per_degree = Screen(**acted_session.SETUP["screen"]).pixels_per_degree
    assert facts["pixels_per_degree"] == pytest.approx(per_degree, abs=1e-3)
    # The acted place has 819 columns, whatever picture it shows.
    planned = plan.read_plan(recording)
    widths = [planned.pictures[stem].width for stem in planned.people["p01"].stems]
    assert facts["sigma_px"] == pytest.approx(per_degree * np.median(widths) / 819, abs=0.01)
    assert facts["tracker"] == "acted"
    assert facts["viewing_time_s"] == 5.5


def test_collecting_again_changes_nothing(recording):
    folder = study.collect(recording)
    before = {p: (p.read_bytes(), p.stat().st_ino) for p in folder.rglob("*") if p.is_file()}
    study.collect(recording)
    after = {p: (p.read_bytes(), p.stat().st_ino) for p in folder.rglob("*") if p.is_file()}
    assert {p: c for p, (c, _) in after.items()} == {p: c for p, (c, _) in before.items()}
    samples = [p for p in before if "samples" in p.parts]
    assert all(after[p] == before[p] for p in samples)


def test_sessions_of_two_machines_merge(recording, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(recording, other, ignore=shutil.ignore_patterns("p01"))
    play(other, "p02", Actor(plan.read_plan(other)))
    shutil.copytree(other / "sessions" / "p02", recording / "sessions" / "p02")
    folder = study.collect(recording)
    rows = table(folder / "responses.csv")
    assert len(rows) == 12
    assert {row["viewer"] for row in rows} == {"p01", "p02"}


def test_a_session_on_another_screen_does_not_merge(recording):
    shutil.copytree(recording / "sessions" / "p01", recording / "sessions" / "p02")
    path = recording / "sessions" / "p02" / "session.json"
    setup = json.loads(path.read_text())
    setup["screen"]["width_px"] = 1920
    path.write_text(json.dumps(setup))
    with pytest.raises(ValueError, match=r"p02: .*one screen"):
        study.collect(recording)


def test_a_session_of_another_plan_does_not_merge(recording):
    path = recording / "sessions" / "p01" / "session.json"
    setup = json.loads(path.read_text())
    path.write_text(json.dumps(setup | {"plan": "0" * 64}))
    with pytest.raises(ValueError, match="another plan"):
        study.collect(recording)


def test_nothing_is_collected_before_the_first_trial(tmp_path):
    with pytest.raises(ValueError, match="no finished trial"):
        study.collect(planned_recording(tmp_path))
    with pytest.raises(FileNotFoundError, match="plan the experiment first"):
        study.collect(tmp_path / "nowhere")


def test_gaze_folder_reads_the_study_as_it_stands(recording):
    pytest.importorskip("tensorflow_datasets")
    pytest.importorskip("pymovements")
    from tfds_builders.gaze_folder import report
    from tfds_builders.gaze_folder import study as gaze_study

    found = gaze_study.open_study(study.collect(recording))
    assert not report.examine(found).problems
    stems = plan.read_plan(recording).people["p01"].stems
    assert set(found.gaze.by_stem) == set(stems)
    assert found.recording.viewing_distance_cm == 60.0
    for stem in stems:
        picture = plan.read_plan(recording).pictures[stem]
        # Two fixations at (400, 300) and (600, 300) of the screen; the acted place is that of
        # a picture of 500 x 375 whatever the file: its columns begin at 102 and fill 819.
        expected = (np.array([400.0, 600.0]) - 102 + 0.5) * picture.width / 819 - 0.5
        np.testing.assert_allclose(found.gaze.by_stem[stem].x, expected, atol=0.05)


def test_the_set_has_the_answers(recording, tmp_path):
    tfds = pytest.importorskip("tensorflow_datasets")
    pytest.importorskip("pymovements")
    from tfds_builders.gaze_folder.gaze_folder_dataset_builder import Builder

    folder = study.collect(recording)
    builder = Builder(data_dir=str(tmp_path / "sets"))
    config = tfds.download.DownloadConfig(manual_dir=str(folder))
    builder.download_and_prepare(download_config=config)
    trials = {t.stem: t for t in acted_session.storage.Session(recording, "p01").trials()}
    seen = 0
    for split in builder.info.splits:
        for example in tfds.as_numpy(builder.as_dataset(split=split)):
            done = trials[example["image/id"].decode()]
            given = example["responses"]
            assert given["viewer"].tolist() == [0]
            assert given["response"].tolist() == [done.response.encode()]
            assert given["correct"].tolist() == [-1 if done.correct is None else done.correct]
            assert given["recognised"].tolist() == [int(done.recognised)]
            wanted = -1 if done.shown.stop_ms is None else done.shown.stop_ms
            assert given["recognition_time_ms"].tolist() == [wanted]
            seen += 1
    assert seen == 6
    recognised = sum(t.recognised for t in trials.values())
    assert builder.info.metadata["viewings_recognised"] == recognised
    assert builder.info.metadata["viewings_asked_about"] == 6


def test_tables_stand_beside_the_papers(recording):
    pytest.importorskip("tensorflow_datasets")
    pytest.importorskip("pymovements")
    from salclass_tf.recording import tables

    printed = tables.describe(recording)
    rows = {line.split(" | ")[0].strip("| "): line for line in printed.splitlines()}
    # Six of twelve pictures were shown; each has the two fixations that were acted.
    assert rows["Number of images"] == "| Number of images | 6 | 9,861 |"
    assert rows["Number of classes"].endswith("| 3 | 120 |")
    assert rows["Avg. number of images per class"].endswith("| 2.0 | 82.2 |")
    assert rows["Avg. number of fixation points per image"].endswith("| 2.0 | 6.2 |")
    assert rows["Device"] == "| Device | acted | Tobii T60 eye tracker |"
    assert rows["Viewers"].endswith("| 1 | 12 |")
    parts = [int(rows[name].split(" | ")[1]) for name in ("Training", "Validation", "Test")]
    assert sum(parts) == 6
    assert rows["Seconds until recognition"].endswith("| 1.2 | 2.6 |")
    stems = plan.read_plan(recording).people["p01"].stems
    missed = sum(stem.endswith("1") for stem in stems)
    assert rows["Not recognised"].endswith(f"| {missed} of 6 | 2,763 of 9,861 |")


def test_a_trial_that_is_not_the_plans_is_refused(recording):
    folder = acted_session.storage.Session(recording, "p01")
    done = folder.trials()
    folder.finish(dataclasses.replace(done[0], stem=done[1].stem))
    with pytest.raises(ValueError, match="trial 0 is not the plan's"):
        study.collect(recording)
