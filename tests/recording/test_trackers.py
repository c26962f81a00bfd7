"""What trackers send, and trackers that are not there."""

import json
import math
import os
import subprocess
import sys
import types

import pytest
from virtual_screen import ROOT

from salclass_tf.recording import hub, tracker_models, trackers


@pytest.mark.parametrize(
    ("sample", "point"),
    [
        ({"gaze_x": -212.0, "gaze_y": 184.0, "status": 0}, (-212.0, 184.0)),
        ({"gaze_x": 0, "gaze_y": 0, "status": 2}, None),
        ({"gaze_x": "", "gaze_y": "", "status": 0}, None),
        ({"gaze_x": math.nan, "gaze_y": 1.0, "status": 0}, None),
    ],
)
def test_one_eye(sample, point):
    assert trackers.gaze_of(sample) == point


@pytest.mark.parametrize(
    ("status", "point"),
    [(0, (15.0, 25.0)), (2, (10.0, 20.0)), (20, (20.0, 30.0)), (22, None)],
)
def test_two_eyes_by_ioHubs_status(status, point):
    # ioHub: tens for the left eye, units for the right one; 2 is lost.
    sample = {
        "left_gaze_x": 10, "left_gaze_y": 20, "right_gaze_x": 20, "right_gaze_y": 30,
        "status": status,
    }  # fmt: skip
    assert trackers.gaze_of(sample) == point


def test_a_tracker_without_its_plugin_names_the_package(monkeypatch):
    monkeypatch.setattr(tracker_models.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install psychopy-eyetracker-tobii"):
        tracker_models.require_plugin(tracker_models.MODELS["tobii"])
    tracker_models.require_plugin(tracker_models.MODELS["mouse"])


def test_only_the_simulation_does_without_an_eye():
    assert [name for name, model in tracker_models.MODELS.items() if not model.is_eye] == [
        "mouse",
        "mouse_contingent",
    ]
    assert all("no eye tracker" in m.name for m in tracker_models.MODELS.values() if not m.is_eye)


def noted(folder, hub, session):
    """A note of two processes, as a session writes it."""
    psutil = pytest.importorskip("psutil", reason="comes with PsychoPy")
    note = folder / "iohub.json"
    started = {"hub": psutil.Process(hub), "session": psutil.Process(session)}
    note.write_text(json.dumps({k: [p.pid, p.create_time()] for k, p in started.items()}))
    return note


@pytest.fixture
def sleeper():
    """A process that does nothing."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def test_the_process_of_a_killed_session_is_ended(tmp_path, sleeper):
    note = noted(tmp_path, sleeper.pid, os.getpid())
    content = json.loads(note.read_text())
    content["session"][1] -= 1000  # the number belongs to another process by now
    note.write_text(json.dumps(content))
    hub.end_orphan(note)
    psutil = pytest.importorskip("psutil")
    assert not psutil.pid_exists(sleeper.pid)


def test_a_session_that_runs_is_left_alone(tmp_path, sleeper):
    note = noted(tmp_path, sleeper.pid, os.getpid())
    with pytest.raises(ValueError, match=f"is running, process {os.getpid()}"):
        hub.end_orphan(note)
    assert sleeper.poll() is None


def test_no_note_and_a_torn_one_end_nothing(tmp_path):
    hub.end_orphan(tmp_path / "iohub.json")
    (tmp_path / "iohub.json").write_text('{"hub": [1')
    hub.end_orphan(tmp_path / "iohub.json")


def test_settings_are_a_json_object(tmp_path):
    path = tmp_path / "tobii.json"
    path.write_text(json.dumps({"serial_number": "T60-1"}))
    assert tracker_models.read_settings(path) == {"serial_number": "T60-1"}
    path.write_text("[1]")
    with pytest.raises(ValueError, match="JSON object"):
        tracker_models.read_settings(path)
    path.write_text("{")
    with pytest.raises(ValueError, match="JSON file"):
        tracker_models.read_settings(path)


def test_the_lower_layers_need_neither_tensorflow_nor_psychopy():
    code = (
        "import sys; import salclass_tf.recording.job, salclass_tf.recording.trackers; "
        "print([m for m in ('tensorflow', 'keras', 'psychopy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def command(*flags, **env):
    return subprocess.run(
        [sys.executable, "record.py", *flags],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if k != "DISPLAY"} | env,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ((), "--out must name"),
        (("--out=somewhere",), "nothing to do"),
        (("--out=nowhere", "--person=p01"), "plan the experiment first"),
        (("--out=nowhere", "--images=nowhere"), "nowhere must be a folder"),
    ],
)
def test_a_wrong_command_is_one_clear_line(flags, words):
    done = command(*flags)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (ROOT / "nowhere").exists()


def test_a_session_without_a_display_says_so(tmp_path):
    from acted_session import planned_recording

    out = planned_recording(tmp_path)
    flags = (f"--out={out}", "--person=p01", "--screen_width_cm=40", "--viewing_distance_cm=60")
    done = command(*flags)
    assert done.returncode == 2
    assert done.stderr == (
        "error: a session needs a display; run it on a desktop, or set DISPLAY\n"
    )
    assert not (out / "sessions").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "error", "words"),
    [
        (OSError("ioHub does not start"), OSError, "does not start"),
        # ioHub made no device of settings that it does not know, and names it all the same.
        (types.SimpleNamespace(tracker=object(), keyboard=None), ValueError, "could not set up"),
        (types.SimpleNamespace(keyboard=None), ValueError, "could not set up"),
    ],
)
def test_a_tracker_that_does_not_start_leaves_no_raw_file(
    tmp_path, monkeypatch, start, error, words
):
    pytest.importorskip("psychopy", reason="pip install -r requirements-recording.txt")
    raw = tmp_path / "raw-1"

    def started(window, raw, device, note):
        raw.with_suffix(".hdf5").write_bytes(b"begun")
        if isinstance(start, Exception):
            raise start
        return types.SimpleNamespace(devices=start)

    monkeypatch.setattr(hub, "start", started)
    with pytest.raises(error, match=words):
        trackers.Tracker(
            tracker_models.MODELS["mouse"], None, None, raw, 60.0, {}, tmp_path / "note"
        )
    assert not list(tmp_path.iterdir())
