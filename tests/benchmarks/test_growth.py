"""The benchmark of growing studies: turns, and what an item costs further."""

import numpy as np
import pytest

from benchmarks import growth

ITEMS = (16, 160, 1600)


@pytest.mark.parametrize(("exponent", "change"), [(1, 1.0), (1.5, 10**0.5)])
def test_growth_shows_and_what_is_paid_once_does_not(exponent, change):
    seconds = np.tile(0.7 + 1e-3 * np.float64(ITEMS) ** exponent, (3, 1))
    seconds *= np.float64([[1.0], [1.4], [0.8]])  # the speed of the machine, turn by turn
    lines = growth.table("read", ITEMS, seconds, [900.0, 905.0, 990.0])
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert [row[1] for row in cells] == ["16", "160", "1,600"]
    median, least, most = cells[2][4].replace("(", "").replace(")", "").replace("to ", "").split()
    assert median == least == most == f"{change:.2f}"
    assert cells[1][3] == f"{1e3 * (seconds[0, 1] - seconds[0, 0]) / 144:.2f}"
    assert [row[6] for row in cells] == ["1.00", "1.01", "1.10"]


def test_smaller_studies_come_before_the_largest_and_after_it(monkeypatch):
    asked = []

    def measured(work):
        asked.append(work)
        return float(len(asked)), 100.0 + len(asked)

    monkeypatch.setattr(growth, "measured", measured)
    seconds, held = growth.in_turns("abc", 2, "a part")
    assert "".join(asked) == "abcba" * 3
    np.testing.assert_array_equal(seconds, [[8, 8, 8], [13, 13, 13]])
    assert held == [101, 102, 103]
