"""The benchmark of recordings measures what it says, on a small table."""

import sys

import pytest

from benchmarks import recordings


@pytest.mark.slow  # five processes that import TensorFlow
def test_a_table_and_some_recordings_are_measured(monkeypatch, capsys):
    given = ["recordings", "--samples=20000", "--recordings=10"]
    monkeypatch.setattr(sys, "argv", given)
    recordings.main()
    text = capsys.readouterr().out
    assert "20000 samples in one table" in text and "polars.read_csv" in text
    assert "{'presentations': 10}" in text
    assert "1 recordings of 60 s at 60 Hz" in text and "10 recordings of 60 s" in text
