"""What of each recording stays in memory, and that what is on disk is what was recorded."""

import collections
import gc
import os
import pathlib
import sqlite3
import tracemalloc
import weakref

import numpy as np
import pytest

from benchmarks import recordings
from tfds_builders.gaze_folder import (
    collected,
    contact_sheet,
    copies,
    firsts,
    presentation,
    report,
    sentences,
    spool,
    study,
    viewing,
)

COUNT = 500  # presentations
ODD = "v\udcffé"  # as Python has a name of a file that is no text


@pytest.fixture
def kept():
    return spool.Spool()


def viewing_of(number):
    return viewing.Viewing(
        viewer=["", ODD, "anna", "ben"][number % 4] if number % 50 else "nobody",
        stem=f"p{number % 150}",
        source=f"samples/r{number // 15}.csv, line {1 + number % 15 * 240}",
        onset_ms=4000.5 * number,
        duration_ms=4000.25,
        samples=240,
        tracked=float("nan") if number % 7 == 0 else number / COUNT,
        fixations=number % 11 if number % 50 else 0,
        fixated=1 / 3,
        scale=1.0 + number % 30,
    )


def presentation_of(number):
    rng = np.random.default_rng(number)
    return presentation.Presentation(
        viewer="",
        stem="a",
        time_ms=np.arange(40.0),
        eyes=rng.uniform(0, 500, (40, 1, 2)),
        place=None,
        source=f"r.csv, line {number}",
        onset_ms=0.0,
        offset_ms=40.0,
        sampling_rate_hz=None,
        own_fixations=None,
    )


@pytest.fixture(scope="module")
def timeline():
    timeline = viewing.Timeline(spool.Spool())
    for number in range(COUNT):
        timeline.append(viewing_of(number))
    return timeline


def test_a_timeline_returns_what_was_put_into_it(timeline):
    every = [viewing_of(number) for number in range(COUNT)]
    assert len(timeline) == COUNT
    np.testing.assert_equal([repr(one) for one in timeline], list(map(repr, every)))
    assert timeline[3] == every[3] and timeline[-1] == every[-1]
    with pytest.raises(IndexError):
        timeline[COUNT]
    assert timeline.viewers() == sorted({one.viewer for one in every} - {""})
    assert repr(timeline.fixations()) == str(sum(one.fixations for one in every))  # int
    assert timeline.scale() == np.median([one.scale for one in every])


def test_a_timeline_names_what_is_suspicious(timeline):
    every = [viewing_of(number) for number in range(COUNT)]
    empty = [one for one in every if not one.fixations]
    pairs = collections.Counter((one.viewer, one.stem) for one in every if one.viewer)
    again = [(*pair, times) for pair, times in pairs.items() if times > 1]
    lost, blind, twice = viewing.suspect(timeline)
    assert lost.startswith(f"{len(empty)} of {COUNT} presentations have no fixation: p0 of nobody")
    assert lost.count(";") == 4 and f"({empty[4].source})" in lost
    assert blind == "viewer nobody has no fixation in 10 presentations"
    assert list(timeline.again()) == again
    assert twice.startswith(f"{len(again)} pictures were shown to a viewer more than once")
    viewer, stem, times = again[0]
    places = [one.source for one in every if (one.viewer, one.stem) == (viewer, stem)]
    assert f"{stem} to {viewer} {times} times ({places[0]}; {places[1]})" in twice


def test_a_timeline_of_nothing_is_empty(kept):
    timeline = viewing.Timeline(kept)
    assert viewing.suspect(timeline) == [] == viewing.table(timeline) == timeline.viewers()
    assert timeline.scale() == 1


def test_scanpaths_are_joined_by_viewer_in_the_order_in_which_they_came(kept):
    rng = np.random.default_rng(3)
    given, together = [], collected.Collected(kept)
    for number in range(40):
        stem, viewer = f"p{number % 3}", [ODD, "", "a"][number % 7 % 3]
        given.append((stem, viewer, rng.normal(size=(3, number % 5))))
        together.add(*given[-1])
    assert len(together.by_stem(["a"])) == 3  # it may be asked for again
    found = together.by_stem(["a", ODD, "nobody"])
    assert list(found) == ["p0", "p1", "p2"] and "p1" in found and "p3" not in found
    assert found.get("p3") is None
    for stem, fixations in found.items():
        paths = [(viewer, path) for one, viewer, path in given if one == stem]
        paths.sort(key=lambda pair: pair[0])  # "" comes first
        expected = np.concatenate([path for _, path in paths], axis=1)
        np.testing.assert_array_equal([fixations.x, fixations.y, fixations.duration_ms], expected)
        numbers = [{"": -1, "a": 0, ODD: 1}[viewer] for viewer, path in paths for _ in path[0]]
        np.testing.assert_array_equal(fixations.viewer, numbers)


def test_copies_are_found(kept):
    seen = copies.Copies(kept)
    for number in range(100):
        seen.check(presentation_of(number))
    for number in (0, 5, 17, 99):
        with pytest.raises(ValueError, match=rf"those of r\.csv, line {number}: one"):
            seen.check(presentation_of(number))
    seen.check(presentation_of(100))


def test_numbers_are_known_again_by_all_of_them(kept):
    seen = firsts.Firsts(kept, "numbers")
    one, other = np.arange(3.0), np.arange(4.0)
    assert seen.seen("a", one, other) is None is seen.seen("b", other)
    assert seen.seen("c", one, other) == "a" and seen.seen(ODD, one) is None
    assert seen.seen("d", one) == ODD


def test_sentences_are_there_once_in_their_order(kept):
    told = sentences.Sentences(kept)
    for text in ("b", ODD, "b", "a"):
        told.add(text)
    assert list(told) == ["b", ODD, "a"] and len(told) == 3


def test_a_full_disk_is_an_error_with_a_remedy(kept):
    kept.write("PRAGMA max_page_count = 20")
    together = collected.Collected(kept)
    with pytest.raises(OSError, match="database or disk is full.*SQLITE_TMPDIR"):
        for _ in range(200):
            together.add("a", "b", np.zeros((3, 100)))


def test_a_file_that_breaks_is_an_error_of_the_disk_and_a_wrong_statement_is_none(
    kept, tmp_path, monkeypatch
):
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        kept.write("DELETE FROM absent")
    broken, connect = tmp_path / "broken", sqlite3.connect
    broken.write_bytes(bytes(range(256)) * 16)
    monkeypatch.setattr(sqlite3, "connect", lambda _, **settings: connect(broken, **settings))
    with pytest.raises(OSError, match="file is not a database.*SQLITE_TMPDIR"):
        collected.Collected(spool.Spool())


@pytest.mark.skipif(not pathlib.Path("/proc/self/fd").exists(), reason="lists open files of Linux")
def test_what_is_more_than_the_cache_is_in_a_file_without_a_name(kept):
    def opened():
        links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
        return {os.readlink(link): link for link in links if os.path.islink(link)}

    before = opened()
    together = collected.Collected(kept)
    for _ in range(40):
        together.add("a", "b", np.zeros((3, 10_000)))
    (name,) = set(opened()) - set(before)
    assert name.endswith("(deleted)")
    assert os.path.getsize(opened()[name]) > 5e6  # of 9.6 MB


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """Studies of 5 and of 25 recordings, 20 s each, of a viewer each, by their number."""
    roots = {count: tmp_path_factory.mktemp("studies") / str(count) for count in (5, 25)}
    for count, root in roots.items():
        recordings.write_study(root)
        for number in range(count):
            path = root / f"samples/r{number}.csv"
            recordings.write_table(path, 20 * 60, seed=number, rate=60, first=number)
    return roots


def test_of_a_recording_nothing_stays_in_memory_but_names(studies):
    """75 fixations would be 2.4 kB; what Python and its packages keep for reuse is below 1 kB."""
    study.open_study(studies[5])  # imports, caches
    kept = {}
    for count, root in studies.items():
        gc.collect()
        tracemalloc.start()
        try:
            found = study.open_study(root)
            gc.collect()
            kept[count] = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        assert len(found.gaze.viewings) == 5 * count
    assert (kept[25] - kept[5]) / 20 < 1600


def test_the_check_holds_the_gaze_of_a_few_images_at_once(studies, monkeypatch):
    alive, most, read = set(), [0], collected.Scanpaths.__getitem__

    def watched(self, stem):
        value = read(self, stem)
        held = value.x.base  # of the views x, y and duration
        alive.add(id(held))
        weakref.finalize(held, alive.discard, id(held))
        most[0] = max(most[0], len(alive))
        return value

    monkeypatch.setattr(collected.Scanpaths, "__getitem__", watched)
    found = study.open_study(studies[5])
    report.examine(found)
    contact_sheet.draw(found)
    assert len(found.gaze.by_stem) == 5 and most[0] in (1, 2, 3)
