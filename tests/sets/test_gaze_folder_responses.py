"""`responses.csv` of a gaze folder."""

import numpy as np
import pytest

from tfds_builders.gaze_folder import responses

HEADER = "stem,viewer,response,correct,recognised,recognition_time_ms\n"


def read(folder, *lines, header=HEADER):
    (folder / responses.FILE).write_text(header + "".join(f"{line}\n" for line in lines))
    return responses.read_responses(folder)


def test_a_folder_without_answers(tmp_path):
    assert responses.read_responses(tmp_path) is None


def test_answers_by_image_and_unknown_cells(tmp_path):
    found = read(tmp_path, "rex,ben,Schäferhund,1,1,2610.5", "rex,anna,,,0,", "tabby,anna,,,,")
    assert found == {
        "rex": (
            responses.Response("ben", "Schäferhund", 1, 1, 2610.5),
            responses.Response("anna", "", -1, 0, -1.0),
        ),
        "tabby": (responses.Response("anna", "", -1, -1, -1.0),),
    }


def test_several_unknown_viewers_may_answer(tmp_path):
    found = read(tmp_path, "rex,-1,cat,0,1,900", "rex,,dog,1,1,7", "rex,-1,dog,1,1,700")
    assert [answer.response for answer in found["rex"]] == ["cat", "dog", "dog"]
    assert responses.rows(found["rex"], None)["viewer"].tolist() == [-1, -1, -1]


def test_other_columns_are_ignored(tmp_path):
    header = "attempt," + HEADER
    assert read(tmp_path, "2,rex,0,cat,0,1,5", header=header)["rex"][0].response == "cat"


def test_rows_are_in_the_order_of_the_gazes_viewers(tmp_path):
    found = read(tmp_path, "rex,ben,cat,0,1,900", "rex,anna,dog,1,1,700", "rex,eve,dog,1,1,1")
    packed = responses.rows(found["rex"], ["anna", "ben"])
    assert packed["viewer"].tolist() == [-1, 0, 1]
    assert packed["response"] == ["dog", "dog", "cat"]
    assert packed["correct"].tolist() == [1, 1, 0]
    np.testing.assert_array_equal(packed["recognition_time_ms"], np.float32([1, 700, 900]))


def test_numbers_stay_numbers(tmp_path):
    found = read(tmp_path, "rex,7,cat,0,1,900", "rex,2,cat,0,1,900")
    assert responses.rows(found["rex"], None)["viewer"].tolist() == [2, 7]
    named = read(tmp_path, "rex,ben,cat,0,1,900")
    with pytest.raises(ValueError, match="numbers of fixations.csv; got 'ben'"):
        responses.rows(named["rex"], None)


@pytest.mark.parametrize("viewer", ["2147483648", "-2147483649", "9" * 30])
def test_a_number_that_no_set_can_store_is_named(tmp_path, viewer):
    found = read(tmp_path, f"rex,{viewer},cat,0,1,900")
    with pytest.raises(ValueError, match=f"numbers of fixations.csv; got '{viewer}'"):
        responses.rows(found["rex"], None)


def test_counts(tmp_path):
    found = read(tmp_path, "a,1,x,1,1,1000", "a,2,x,0,1,2000", "b,1,,,0,", "b,2,,,,")
    assert responses.facts(found) == {
        "viewings_asked_about": 3,
        "viewings_recognised": 2,
        "viewings_named_rightly": 1,
        "mean_recognition_time_ms": 1500.0,
    }
    assert responses.describe(found) == (
        "answers: 2 of 3 viewings recognised, 1 named rightly; 1.50 s on average until then"
    )


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["rex,1,cat,yes,1,5"], "line 2: `correct` must be"),
        (["rex,1,cat,1,2,5"], "`recognised` must be"),
        (["rex,1,cat,1,1,fast"], "line 2: could not convert"),
        (["rex,1,cat,1,1,-3"], "0 or more"),
        (["rex,1,cat,1,1,inf"], "0 or more"),
        (["rex,1,cat,1,1,1e39"], "0 or more"),  # infinite as float32, which sets store
        (["rex,1,cat,1"], "line 2"),
        ([",1,cat,1,1,1"], "`stem` must name"),
        (["rex,1,cat,1,1,5", "rex,1,dog,0,1,5"], "line 3: viewer '1' has answered"),
    ],
)
def test_a_bad_line_is_named(tmp_path, lines, words):
    with pytest.raises(ValueError, match=words) as error:
        read(tmp_path, *lines)
    assert responses.FILE in str(error.value)


def test_a_missing_column_is_named(tmp_path):
    with pytest.raises(ValueError, match="lacks.*correct"):
        read(tmp_path, header="stem,viewer,response,recognised,recognition_time_ms\n")
