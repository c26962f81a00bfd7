"""What of each recording stays in memory, and that it is what was recorded."""

import tracemalloc

import numpy as np
import pytest

from tfds_builders.gaze_folder import collected, copies, presentation, sources, viewing

COUNT = 5000  # presentations


def viewing_of(number):
    return viewing.Viewing(
        viewer=f"viewer {number // 15}",
        stem=f"p{number % 15}",
        source=f"samples/r{number // 15}.csv, line {1 + number % 15 * 240}",
        onset_ms=4000.5 * number,
        duration_ms=4000.25,
        samples=240,
        tracked=float("nan") if number % 7 == 0 else number / COUNT,
        fixations=number % 11,
        fixated=1 / 3,
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


def kept_by(make):
    """Bytes that stay when `make` returns, and what it returns."""
    tracemalloc.start()
    try:
        return make(), tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_a_timeline_returns_what_was_put_into_it_in_little_memory():
    def fill():
        timeline = viewing.Timeline()
        for number in range(COUNT):
            timeline.append(viewing_of(number))
        return timeline

    timeline, kept = kept_by(fill)
    assert len(timeline) == COUNT
    np.testing.assert_equal(
        [repr(one) for one in timeline], [repr(viewing_of(i)) for i in range(COUNT)]
    )
    assert timeline[-1] == viewing_of(COUNT - 1)
    assert kept / COUNT < 100  # 60, and the names of a file and a viewer for 15 of them


def test_sources_return_every_text():
    texts = ["a.csv, line 3", "a.csv, line 03", "b, line 1, line 2", "c, trial 4", ", line 0", ""]
    found = sources.Sources()
    for text in texts * 2:
        found.append(text)
    assert list(found) == texts * 2


def test_scanpaths_are_joined_by_viewer_in_the_order_in_which_they_came():
    rng = np.random.default_rng(3)
    given, together = [], collected.Collected()
    for number in range(40):
        stem, viewer = f"p{number % 3}", ["b", "", "a"][number % 7 % 3]
        given.append((stem, viewer, rng.normal(size=(3, number % 5))))
        together.add(*given[-1])
    found = together.hand_over(["a", "b", "nobody"])
    assert list(found) == ["p0", "p1", "p2"] and not len(together)
    for stem, fixations in found.items():
        paths = [(viewer, path) for one, viewer, path in given if one == stem]
        paths.sort(key=lambda pair: pair[0])  # "" comes first
        expected = np.concatenate([path for _, path in paths], axis=1)
        np.testing.assert_array_equal([fixations.x, fixations.y, fixations.duration_ms], expected)
        numbers = [{"": -1, "a": 0, "b": 1}[viewer] for viewer, path in paths for _ in path[0]]
        np.testing.assert_array_equal(fixations.viewer, numbers)


def test_copies_are_found_among_many_in_little_memory(monkeypatch):
    monkeypatch.setattr(copies, "_RECENT", 20)

    def fill():
        seen = copies.Copies()
        for number in range(300):
            seen.check(presentation_of(number))
        return seen

    seen, kept = kept_by(fill)
    assert kept / 300 < 120
    for number in (0, 5, 17, 250, 299):
        with pytest.raises(ValueError, match=rf"those of r\.csv, line {number}: one"):
            seen.check(presentation_of(number))
    seen.check(presentation_of(300))
