"""Many presentations at once give the fixations that each gives alone."""

import numpy as np
import pytest
import simulated_gaze

from tfds_builders.gaze_folder import detection, recording
from tfds_builders.gaze_folder.presentation import Presentation

FACTS = recording.Recording(pixels_per_degree=simulated_gaze.PIXELS_PER_DEGREE)


def presentations(rate, **faults):
    """Several, each by a clock of its own; one without a sample, one without an eye."""
    shown = []
    for seed in range(6):
        gaze = simulated_gaze.simulate(rate, 0.1, seed=seed, fixations=8, **faults)
        eyes = gaze.eyes if gaze.eyes.ndim == 3 else gaze.eyes[:, np.newaxis]
        time = gaze.time_ms + (1e6 if seed % 2 else 50.0)
        if seed == 2:
            time, eyes = time[:0], eyes[:0]
        if seed == 3:
            eyes = np.full_like(eyes, np.nan)
        ends = (float(time[0]), float(time[-1])) if len(time) else (0.0, 0.0)
        shown.append(Presentation("a", f"{seed}", time, eyes, None, "f", *ends, None, None))
    return shown


@pytest.mark.parametrize("faults", [{}, {"second_eye": 1.3, "lost_eye_ms": 100.0}], ids=str)
@pytest.mark.parametrize("name", ["ivt", "idt"])
@pytest.mark.parametrize("rate", [60, 500])
def test_a_batch_gives_what_each_presentation_gives(rate, name, faults):
    shown = presentations(rate, **faults)
    facts = recording.Recording(pixels_per_degree=FACTS.pixels_per_degree, filter=name)
    choice = detection.choose(shown, facts)
    together = list(detection.find_all(shown, facts, choice))
    assert [one.stem for one, _ in together] == list("012345")
    for one, found in together:
        alone = detection.find_fixations(one, facts, choice)
        for field in ("x", "y", "duration_ms", "onset_ms"):
            np.testing.assert_allclose(
                getattr(found, field), getattr(alone, field), rtol=1e-6, atol=0.1, err_msg=one.stem
            )
        assert found.tracked_ms == pytest.approx(alone.tracked_ms, rel=0.01)
        assert found.in_fixations_ms == pytest.approx(alone.in_fixations_ms, rel=0.05)
        assert found.notes == alone.notes
    assert sum(len(found.x) for _, found in together) > 25
