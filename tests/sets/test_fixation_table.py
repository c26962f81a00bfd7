import csv
import tracemalloc

import numpy as np
import pytest

from tfds_builders.common import fixation_table

HEADER = "stem,viewer,index,x,y,duration_ms"


def write(path, lines):
    path.write_text("\n".join([HEADER, *lines]))
    return path


def plain_read(path):
    """The table by a dictionary of lists, the first of repeated lines kept."""
    rows = {}
    with open(path, newline="") as file:
        for line in csv.DictReader(file):
            place = int(line["viewer"]), int(line["index"])
            numbers = [float(line[name]) for name in ("x", "y", "duration_ms")]
            rows.setdefault(line["stem"], {}).setdefault(place, numbers)
    return {
        stem: [(viewer, *found[viewer, index]) for viewer, index in sorted(found)]
        for stem, found in rows.items()
    }


def columns(found):
    return list(zip(found.viewer, found.x, found.y, found.duration_ms, strict=True))


def test_lines_in_any_order_are_sorted_by_viewer_and_index(tmp_path):
    rng = np.random.default_rng(0)
    places = [(s, v, i) for s in "ba" for v in (-1, 0, 12) for i in (7, 1, 100)]
    lines = [
        f"{stem},{viewer},{index},{rng.uniform(0, 90):.3f},{rng.uniform(0, 90):.3f},{index}"
        for stem, viewer, index in places
    ]
    rng.shuffle(lines)
    path = write(tmp_path / "fixations.csv", lines)
    found = fixation_table.read_table(path)
    assert list(found) == ["a", "b"]
    assert {stem: columns(table) for stem, table in found.items()} == plain_read(path)


def test_of_repeated_lines_the_first_stays_and_the_others_are_listed_in_order(tmp_path):
    lines = [f"{'ab'[n % 2]},{n},0,1.5,2,3" for n in range(4000)]
    lines[2500] = lines[1500].replace("1.5", "9")
    lines[2001] = lines[1001].replace("1.5", "8")
    lines[3000] = "a,0,0,nan,2,3"
    path = write(tmp_path / "fixations.csv", lines)
    table = fixation_table.scan_table(path, 0.001)
    assert [text.split(", ", 1)[1].split(" ")[:3] for text in table.skipped] == [
        ["line", "2003", "repeats"],
        ["line", "2502", "repeats"],
        ["line", "3002", "must"],
    ]
    assert "repeats fixation 0 of viewer 1500 on a; remove one" in table.skipped[1]
    assert {x for found in table.fixations.values() for x in found.x} == {1.5}
    assert sum(len(found.x) for found in table.fixations.values()) == 3997


@pytest.mark.parametrize("viewer", [-2, 2**31, 2**70])
def test_a_viewer_that_the_sets_cannot_store_is_refused(tmp_path, viewer):
    path = write(tmp_path / "fixations.csv", ["a,0,0,1,2,3", f"a,{viewer},0,1,2,3"])
    with pytest.raises(ValueError, match=r"line 3: viewer must be -1 to 2147483647.*Number"):
        fixation_table.read_table(path)


def test_a_line_takes_little_memory(tmp_path):
    """Of ten million lines, as large sets have, all are held at once."""
    lines = [f"image_{n // 100},{n % 10},{n // 10 % 10},{n}.5,3.25,180" for n in range(20_000)]
    path = write(tmp_path / "fixations.csv", lines)
    del lines
    tracemalloc.start()
    found = fixation_table.read_table(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(len(table.x) for table in found.values()) == 20_000
    assert peak / 20_000 < 100
