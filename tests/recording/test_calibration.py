"""What is kept of a calibration, and who may end it."""

import types
from unittest import mock

import pytest

from salclass_tf.recording import calibration, display, session
from salclass_tf.recording.protocol import Protocol

ERRORS = {"mean_error_deg": 0.4, "max_error_deg": 0.9, "failed_positions": 1}


def results(failed, mean=0.41234, most=0.9):
    """Five targets, as ioHub reports them."""
    status = ["FAILED"] * failed + ["PASSED"] * (5 - failed)
    return {
        "position_results": [{"calculation_status": one} for one in status],
        "positions_failed_processing": failed,
        "mean_error": mean,
        "max_error": most,
    }


def test_errors_and_failed_targets_are_kept():
    kept = {"mean_error_deg": 0.412, "max_error_deg": 0.9, "failed_positions": 2}
    assert calibration.summary(results(2)) == kept


def test_eyes_that_were_never_seen_have_no_error():
    # ioHub reports 0 there, as if gaze had been perfect.
    kept = {"mean_error_deg": None, "max_error_deg": None, "failed_positions": 5}
    assert calibration.summary(results(5, 0.0, 0.0)) == kept


def calibrated(monkeypatch, calibrates=True, finished=True, errors=ERRORS):
    """Shows two pictures on a display that is acted; returns what was noted, and the tracker."""
    monkeypatch.setattr(calibration, "validation_target", lambda window, screen: "target")
    tracker, notes = mock.MagicMock(), []
    space = types.SimpleNamespace(char=" ", key="space", time=0.0)
    tracker.keyboard.getPresses.return_value = [space]
    tracker.calibrate.return_value = finished
    tracker.validate.return_value = errors
    shown = display.PsychoPyDisplay(
        mock.MagicMock(), tracker, Protocol(), calibrates, lambda *note: notes.append(note), False
    )
    monkeypatch.setattr(shown, "_viewing", mock.MagicMock())
    try:
        shown.present("one.png")
        shown.present("two.png")
        shown.pause(2, 2)
        shown.present("three.png")
    finally:
        tracker.notes = notes
    return tracker


def test_a_calibration_precedes_each_block_and_is_noted(monkeypatch):
    tracker = calibrated(monkeypatch)
    assert tracker.calibrate.call_count == 2
    assert tracker.validate.call_args == mock.call("target")
    assert tracker.notes == [("validation", ERRORS)] * 2


def test_no_calibration_where_none_is_wanted(monkeypatch):
    assert not calibrated(monkeypatch, calibrates=False).calibrate.called


def test_escape_ends_the_session_in_a_calibration_too(monkeypatch):
    with pytest.raises(session.SessionEnded, match="calibration"):
        calibrated(monkeypatch, finished=False)
    with pytest.raises(session.SessionEnded, match="validation"):
        calibrated(monkeypatch, errors=None)
