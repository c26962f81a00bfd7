"""Choosing a class with the keyboard."""

import pytest

from salclass_tf.recording import answers
from salclass_tf.recording.chooser import Chooser

FEW = ["Dohle", "Grünspecht", "tree_swallow"]
MANY = [f"n{number:08d}-dog_{number}" for number in range(119)] + ["Österreichischer_Pinscher"]


def press(chooser, *keys):
    """Presses keys; returns what the last one chose."""
    chosen = ""
    for key in keys:
        assert not chosen
        chosen = chooser.press(key)
    return chosen


def test_a_digit_chooses_among_few():
    assert press(Chooser(FEW), "2") == "Grünspecht"
    assert press(Chooser(FEW), "4") == ""
    assert press(Chooser(FEW), "0") == ""


def test_digits_are_letters_among_many():
    assert press(Chooser(MANY), "1", "1", "8", "return") == MANY[118]


@pytest.mark.parametrize("typed", ["öst", "OST", "pinsch"])
def test_typing_and_enter(typed):
    assert press(Chooser(MANY), *typed, "return") == "Österreichischer_Pinscher"


def test_arrows_go_round():
    assert press(Chooser(FEW), "down", "down", "return") == "tree_swallow"
    assert press(Chooser(FEW), "up", "return") == "tree_swallow"
    assert press(Chooser(FEW), "down", "down", "down", "return") == "Dohle"


def test_backspace_and_what_fits_nothing():
    chooser = Chooser(FEW)
    assert press(chooser, "x", "return") == ""
    assert chooser.found == []
    assert press(chooser, "backspace", "t", "r", "return") == "tree_swallow"


def test_other_keys_change_nothing():
    chooser = Chooser(FEW)
    assert press(chooser, "left", "f1", "lshift") == ""
    assert (chooser.typed, chooser.selected) == ("", 0)


def test_pages_hold_the_selected_one():
    chooser = Chooser(MANY)
    assert chooser.page() == (MANY[:11], 0)
    press(chooser, *["down"] * 12)
    assert chooser.page() == (MANY[11:22], 11)
    press(chooser, *["up"] * 13)
    assert chooser.page() == (MANY[110:], 110)


def test_typing_goes_back_to_the_first_that_fits():
    chooser = Chooser(MANY)
    press(chooser, *["down"] * 12)
    press(chooser, "o")
    assert chooser.selected == 0


def test_long_names_keep_their_beginning_and_end():
    assert answers.shortened("Schäferhund", 11) == "Schäferhund"
    assert answers.shortened("Schäferhund", 8) == "Schä…und"
    assert answers.shortened("Schäferhund", 7) == "Sch…und"
    assert answers.shortened("Schäferhund", 2) == "S…"
    assert answers.shortened("Schäferhund", 1) == "…"
