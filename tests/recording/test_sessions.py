"""A session's order, what it leaves on the disk, and how it goes on."""

import dataclasses
import json
import os
import pathlib
import random
import shutil
import signal
import string
import subprocess
import sys

import acted_session
import pytest
from acted_session import Actor, planned_recording, play

from salclass_tf.recording import job, plan, protocol, session, storage, texts

SUPPORT = pathlib.Path(acted_session.__file__)


@pytest.fixture
def recording(tmp_path):
    """One person, breaks after five pictures."""
    return planned_recording(tmp_path, block_size=5)


def actor(recording, **options):
    return Actor(plan.read_plan(recording), **options)


def pictures_shown(log):
    return [name.removeprefix("picture ") for name in log if name.startswith("picture")]


def test_a_session_follows_the_plan(recording):
    person = plan.read_plan(recording).people["p01"]
    acted = actor(recording)
    folder = play(recording, "p01", acted)
    first = list(person.training[0])
    assert acted.log[:2] == ["welcome_classification", "training"]
    assert acted.log[2:8] == [f"teach {stem}" for stem in first]
    assert acted.log[8:16] == ["quiz", *(f"quiz {stem}" for stem in first), "passed"]
    assert pictures_shown(acted.log) == list(person.stems)
    assert [name for name in acted.log if name.startswith("break")] == ["break 2/3", "break 3/3"]
    assert acted.log[-1] == "thanks"
    assert [t.stem for t in folder.trials()] == list(person.stems)
    assert {t.attempt for t in folder.trials()} == {1}


def test_training_ends_by_its_criterion_or_its_rounds(tmp_path):
    recording = planned_recording(tmp_path, training_rounds=2, training_criterion=0.9)
    acted = actor(recording, knows=lambda stem: not stem.startswith("doh"))
    folder = play(recording, "p01", acted)
    assert [name for name in acted.log if name in ("again", "passed", "not_passed")] == [
        "again",
        "not_passed",
    ]
    given = folder.answers("training")
    assert len(given) == 12
    assert sum(answer["correct"] for answer in given.values()) == 8


def test_answers_are_right_wrong_or_missing(recording):
    folder = play(recording, "p01", actor(recording, knows=lambda stem: not stem.endswith("2")))
    for done in folder.trials():
        if done.stem.endswith("1"):  # not stopped before the end
            assert (done.recognised, done.response, done.correct) == (False, "", None)
        else:
            assert done.recognised is True
            assert done.correct is (not done.stem.endswith("2"))
            assert (done.response == done.class_name) is done.correct


def test_a_lost_tracker_repeats_the_trial_and_marks_it(recording):
    acted = actor(recording, lost=(3, 4))
    folder = play(recording, "p01", acted)
    stems = plan.read_plan(recording).people["p01"].stems
    assert pictures_shown(acted.log) == [*stems[:2], stems[2], stems[2], *stems[2:]]
    assert acted.log.count("reconnect") == 2
    assert [t.attempt for t in folder.trials()] == [1, 1, 3] + [1] * 9
    kept = json.loads((folder.folder / "aborted" / "0002-1.json").read_text())
    assert kept["stem"] == stems[2]
    assert (kept["onset_s"], kept["samples"]) == (9.0, [[9.1, 1.0, 2.0]])
    assert folder.aborted() == 2


def test_a_tracker_lost_before_the_picture_appeared_is_no_second_look(recording):
    folder = play(recording, "p01", actor(recording, lost_early=(3,)))
    assert {t.attempt for t in folder.trials()} == {1}
    assert folder.aborted() == 0


def test_escape_ends_and_the_next_start_goes_on(recording):
    first = actor(recording, escape_at=4)
    with pytest.raises(session.SessionEnded):
        play(recording, "p01", first)
    second = actor(recording)
    folder = play(recording, "p01", second)
    stems = plan.read_plan(recording).people["p01"].stems
    assert pictures_shown(second.log) == list(stems[3:])
    assert not any(name.startswith(("welcome", "teach")) for name in second.log)
    assert [t.attempt for t in folder.trials()] == [1, 1, 1, 2] + [1] * 8


def test_memory_asks_after_each_block(tmp_path):
    recording = planned_recording(tmp_path, task="memory", block_size=8, probe_pictures=4)
    acted = actor(recording)
    folder = play(recording, "p01", acted)
    probes = folder.answers("probes")
    assert len(pictures_shown(acted.log)) == 15  # one of six of each class is set aside
    assert [t.recognised for t in folder.trials()] == [None] * 15
    assert {name: answer["old"] for name, answer in probes.items()} == {
        name: answer["stem"] in {t.stem for t in folder.trials()} for name, answer in probes.items()
    }
    assert len(probes) == sum(map(len, plan.read_plan(recording).people["p01"].probes))
    assert any(a["old"] for a in probes.values()) and any(not a["old"] for a in probes.values())


def test_a_session_survives_ten_kills_without_a_trial_lost_or_doubled(tmp_path):
    recording = planned_recording(tmp_path, block_size=5)
    draw = random.Random(0)
    command = [sys.executable, str(SUPPORT), str(recording), "0.04"]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    kills, on_disk = 0, {}
    while kills < 10:
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "begins\n"
        try:
            process.wait(draw.uniform(0.0, 0.15))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
        process.stdout.close()
        folder = recording / "sessions" / "p01"
        now = {path: path.read_bytes() for path in folder.glob("trials/[0-9]*.json")}
        for path, content in on_disk.items():
            assert now[path] == content  # what was on the disk stays as it was
        for content in now.values():
            json.loads(content)  # nothing is half-written
        on_disk = now
        if process.returncode == 0:
            break
    subprocess.run(command, env=env, check=True, capture_output=True, timeout=60)
    trials = storage.Session(recording, "p01").trials()
    assert [t.stem for t in trials] == list(plan.read_plan(recording).people["p01"].stems)
    assert kills >= 3


def test_a_session_of_another_plan_is_refused(recording, tmp_path):
    play(recording, "p01", actor(recording, escape_at=None))
    other = planned_recording(tmp_path / "other", block_size=6)
    shutil.copytree(recording / "sessions", other / "sessions")
    with pytest.raises(ValueError, match="another plan"):
        play(other, "p01", actor(other))


def test_a_session_goes_on_with_its_own_screen_only(recording):
    folder = storage.Session(recording, "p01")
    setup = {"plan": plan.read_plan(recording).digest} | acted_session.SETUP
    folder.open(setup)
    moved = dict(setup["screen"], distance_cm=70.0)
    with pytest.raises(ValueError, match=r"one screen and one tracker.*70\.0"):
        folder.open(setup | {"screen": moved})


def test_a_full_disk_stops_before_the_session(recording, monkeypatch):
    usage = shutil.disk_usage("/")._replace(free=10 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(OSError, match="free space.*has 10"):
        play(recording, "p01", actor(recording))


def test_a_disk_that_fills_up_loses_the_trial_under_way_alone(recording, monkeypatch):
    write, left = os.fsync, [30]

    def full(file):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        write(file)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        play(recording, "p01", actor(recording))
    monkeypatch.undo()
    folder = storage.Session(recording, "p01")
    before = len(folder.trials())
    assert 0 < before < 12
    assert not [p for p in folder.folder.rglob("*") if p.name.startswith(".")]
    assert len(play(recording, "p01", actor(recording)).trials()) == 12


def test_a_person_who_is_not_in_the_plan(recording):
    with pytest.raises(ValueError, match="p01.*'p09'"):
        job.record(recording, "p09", job.Setup())


def test_a_damaged_trial_is_named(recording):
    folder = play(recording, "p01", actor(recording))
    path = folder.folder / "trials" / "0004.json"
    path.write_text(path.read_text()[:100])
    with pytest.raises(ValueError, match=r"0004\.json is damaged"):
        folder.trials()


def test_unmeasured_screens_are_refused_before_a_window_opens(recording):
    with pytest.raises(ValueError, match="screen_width_cm"):
        job.record(recording, "p01", job.Setup(tracker="mouse"))


def test_a_picture_that_went_missing_is_named_before_the_session(recording):
    stem = plan.read_plan(recording).people["p01"].stems[-1]
    path = next((recording / "study").rglob(f"{stem}.png"))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=f"{stem}.png does not decode"):
        job.record(recording, "p01", job.Setup())
    path.unlink()
    with pytest.raises(FileNotFoundError, match=f"{stem}.png is missing"):
        job.record(recording, "p01", job.Setup())


def test_another_plan_does_not_replace_one(recording, tmp_path):
    before = (recording / plan.FILE).read_bytes()
    with pytest.raises(ValueError, match="another plan"):
        job.design(tmp_path / "photos", recording, protocol.Protocol(), 1, 1, seed=4)
    assert (recording / plan.FILE).read_bytes() == before


def test_a_dry_run_writes_the_drawing_alone(tmp_path, capsys):
    planned_recording(tmp_path / "first")
    folder = tmp_path / "dry"
    rules = protocol.Protocol()
    job.design(tmp_path / "first" / "photos", folder, rules, 1, 1, seed=0, dry_run=True)
    assert [path.name for path in folder.iterdir()] == ["plan.png"]
    printed = capsys.readouterr().out
    assert "12 pictures of 3 classes to record, 6 set aside" in printed
    assert "trials of a person: 12, in 1 blocks" in printed
    assert "training: up to 3 rounds of 6 pictures, until 80% are right" in printed
    assert "every 0.5 s: 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0" in printed


def test_languages_say_the_same_things_with_the_same_gaps():
    fields = [
        {
            name: {f for _, f, _, _ in string.Formatter().parse(text) if f}
            for name, text in t.items()
        }
        for t in texts.TEXTS.values()
    ]
    assert len(fields) == len(protocol.LANGUAGES)
    assert all(one == fields[0] for one in fields)


def test_dropped_frames_are_counted_by_their_length():
    # 16.7, 16.6, 50.0 and 16.7 ms: the third frame stood for three.
    assert acted_session.presentation().dropped_frames == 2
    even = acted_session.presentation(flips_ms=tuple(n * 1000 / 60 for n in range(9)))
    assert even.dropped_frames == 0


def test_trials_come_back_from_the_disk_as_they_were(recording):
    folder = play(recording, "p01", actor(recording))
    done = folder.trials()[0]
    folder.finish(done)
    assert folder.trials()[0] == done
    assert dataclasses.replace(done, response="").correct is None


def test_raw_files_and_notes_are_never_written_over(recording):
    folder = storage.Session(recording, "p01")
    for number in range(2):
        folder.note("drift", {"number": number})
    for name in ("raw-1.hdf5", "raw-3.hdf5", "raw-3 (copy).hdf5"):
        (folder.folder / name).touch()
    assert folder.raw_name() == folder.folder / "raw-4"
    assert [json.loads(p.read_text())["number"] for p in sorted(folder.folder.glob("drift-*"))] == [
        0, 1,
    ]  # fmt: skip
