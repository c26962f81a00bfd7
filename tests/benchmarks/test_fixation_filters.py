"""The tables of what filters find, in simulated gaze and beside trackers."""

import numpy as np

from benchmarks import fixation_filters, recorded_fixations


def test_the_table_of_simulated_gaze_has_a_row_for_each_rate_and_noise(tmp_path, capsys):
    path = tmp_path / "table.md"
    fixation_filters.main(["--filters=ivt,idt", "--rates=120", f"--output={path}"])
    text = path.read_text()
    assert text.strip() in capsys.readouterr().out
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if "| 120 |" in line]
    assert [float(row[1]) for row in rows] == 3 * [0.05, 0.15, 0.3, 0.5]
    for _, _, *cells in rows:
        for cell in cells:
            count, time = map(float, cell.strip("!").split(" / "))
            assert 0.9 <= count <= 1.1 and 0.9 <= time <= 1.1
    assert {row[2][-1] for row in rows if row[1] == "0.5"} == {"!"}


def test_a_recording_stands_beside_its_trackers_fixations(tmp_path, capsys):
    xy = np.repeat([[400.0, 300.0], [700.0, 300.0]], [100, 80], axis=0)
    xy += np.random.default_rng(0).normal(0, 0.5, xy.shape)
    lines = ["MSG\t1 DISPLAY_COORDS 0 0 1023 767", "START\t1000\tLEFT\tSAMPLES\tEVENTS"]
    lines.append("SAMPLES\tGAZE\tLEFT\tRATE\t250.00")
    lines += [f"{1000 + 4 * i}\t{x:.1f}\t{y:.1f}\t900.0\t..." for i, (x, y) in enumerate(xy)]
    lines.append("EFIX L\t1000\t1396\t400\t400.0\t300.0\t900")
    lines.append("EFIX L\t1400\t1716\t320\t717.6\t300.0\t900")  # half a degree beside
    lines.append("END\t1720\tSAMPLES\tEVENTS\tRES\t20\t20")
    (tmp_path / "eyelink_mono250.asc").write_text("\n".join(lines) + "\n")
    recorded_fixations.main([str(tmp_path), "--filters=default,idt"])
    _, _, *rows = capsys.readouterr().out.splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert [row[1].split(",")[0] for row in cells] == ["tracker", "ivt", "idt"]
    assert [row[2:4] for row in cells] == [["2", "0.72"]] * 3
    assert [row[5] for row in cells] == ["0.00", "0.25", "0.25"]  # the median of 0 and 0.5
    assert [row[6] for row in cells] == ["100%"] * 3
