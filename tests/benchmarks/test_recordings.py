"""The benchmark of recordings measures what it says, on a small table."""

import sys

import pytest

from benchmarks import recordings


@pytest.fixture
def here(monkeypatch):
    """Studies are read in this process, not in five that import all that they need."""
    in_process_of_its_own = recordings._measure

    def measure(code, checkout):
        if "import study" not in code and "report, study" not in code:
            return in_process_of_its_own(code, checkout)
        names = {}
        exec(code.replace("\n---\n", "\n"), names)
        return {"seconds": 1.0, "processor": 1.0, "megabytes": 1.0, **names["more"]}

    monkeypatch.setattr(recordings, "_measure", measure)


@pytest.mark.slow  # four processes
@pytest.mark.usefixtures("here")
def test_a_table_and_some_recordings_are_measured(monkeypatch, capsys):
    given = ["recordings", "--samples=20000", "--recordings=10"]
    monkeypatch.setattr(sys, "argv", given)
    recordings.main()
    text = capsys.readouterr().out
    assert "20000 samples in one table" in text and "polars.read_csv" in text
    assert "{'presentations': 10}" in text
    assert "1 recordings of 60 s at 60 Hz" in text and "10 recordings of 60 s" in text
