import csv
import gzip
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


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("packed", [False, True])
def test_separators_gzip_and_more_columns_are_read(tmp_path, separator, packed):
    header = ["stem", "viewer", "index", "trial", "x", "y", "duration_ms", "pupil"]
    lines = [
        ["cats/a.PNG", "3", "0", "t1", "1.5", "2", "200", "4"],
        list("a3178") + ["9", "1", "1"],
    ]
    text = "\n".join(separator.join(line) for line in [header, *lines])
    path = tmp_path / ("fixations.csv.gz" if packed else "fixations.csv")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    table = fixation_table.scan_table(path, 0)
    assert columns(table.fixations["a"]) == [(3, 1.5, 2, 200), (3, 8, 9, 1)]
    assert table.notes == ("columns ignored: trial, pupil",)


def test_numbers_with_a_comma_are_read_where_semicolons_separate(tmp_path):
    path = tmp_path / "fixations.csv"
    path.write_text(HEADER.replace(",", ";") + "\na;0;0;1,5;2,25;180")
    assert columns(fixation_table.read_table(path)["a"]) == [(0, 1.5, 2.25, 180)]


def test_viewers_with_names_are_numbered_in_their_order(tmp_path):
    lines = ["a,P02,0,1,1,1", "a,P01,0,2,2,2", "b,-1,0,3,3,3", "b,,1,4,4,4", "b,12,0,5,5,5"]
    table = fixation_table.scan_table(write(tmp_path / "fixations.csv", lines), 0)
    assert table.viewer_names == ("12", "P01", "P02")
    assert columns(table.fixations["a"]) == [(1, 2, 2, 2), (2, 1, 1, 1)]
    assert columns(table.fixations["b"]) == [(-1, 3, 3, 3), (-1, 4, 4, 4), (0, 5, 5, 5)]


def test_a_trial_of_a_named_viewer_that_occurs_twice_is_an_error(tmp_path):
    lines = ["a,P01,0,1,1,1", "a,P01,0,7,1,1"]
    with pytest.raises(ValueError, match="repeats fixation 0 of viewer P01 on a"):
        fixation_table.read_table(write(tmp_path / "fixations.csv", lines))


def test_several_unknown_viewers_are_several_people_and_that_is_stated(tmp_path):
    lines = ["a,-1,0,1,1,9", "a,-1,1,2,2,9", "a,-1,0,3,3,9", "a,-1,1,4,4,9", "b,-1,0,1,1,9"]
    table = fixation_table.scan_table(write(tmp_path / "fixations.csv", lines), 0)
    assert [x for _, x, *_ in columns(table.fixations["a"])] == [1, 3, 2, 4]
    (note,) = table.notes
    assert note.startswith("viewer unknown: several people on 1 images, such as a,")
    with pytest.raises(ValueError, match="repeats fixation 1 of viewer -1 on a"):
        fixation_table.read_table(write(tmp_path / "fixations.csv", [*lines, lines[1]]))


def test_a_packed_file_that_is_none_is_refused(tmp_path):
    (tmp_path / "fixations.csv.gz").write_text(HEADER)
    with pytest.raises(ValueError, match="must be a CSV file in UTF-8"):
        fixation_table.read_table(tmp_path / "fixations.csv.gz")
