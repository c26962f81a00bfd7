"""How truly a rehearsed session was recorded: gaze against the pointer, blur against the protocol.

python -m benchmarks.recording_accuracy --recording=rec --person=p01 --screenshots=shots
"""

import json
import pathlib

import numpy as np
from absl import app, flags
from PIL import Image
from scipy import ndimage, optimize

from salclass_tf.recording import plan, storage, study

flags.DEFINE_string("recording", None, "Folder of the recording.", required=True)
flags.DEFINE_string("person", "p01", "Whose session; it was run with --rehearse.")
flags.DEFINE_string("screenshots", None, "What --screenshots of that session wrote.")

_STILL_MS = (50, 240)  # after a move, when the pointer rests
_BESIDE_PX = 100  # of the picture's margin, which the fit leaves out
_FIT_PX = 400


def main(_):
    """Prints what is known about a rehearsed session."""
    given = flags.FLAGS
    session = storage.Session(given.recording, given.person)
    shown = {trial.stem: trial.shown for trial in session.trials()}
    moves = [move for move in moves_of(session.folder) if move[0] in shown]
    errors, delays = follow(shown, moves)
    print(
        f"{len(shown)} trials, {len(moves)} moves of the pointer: samples are off by "
        f"{np.median(errors):.2f} px (median); they arrive {np.median(delays):.1f} ms later "
        f"(median), {np.percentile(np.abs(delays), 95):.1f} ms (95 %)"
    )
    first = [min(one.t_ms) for one in shown.values()]
    due = {v: 1e3 * s for s, v in plan.read_plan(given.recording).protocol.levels}
    late = [begin - due[v] for one in shown.values() for begin, v in one.levels]
    print(f"first sample after the onset: up to {max(first):.1f} ms")
    print(f"blur changes {np.median(late):.1f} ms (median) after the protocol's moment")
    _print_fixations(pathlib.Path(given.recording), shown, moves)
    if given.screenshots:
        place = next(iter(shown.values())).place
        for variance, found in measure_variances(given.screenshots, place).items():
            print(f"variance {variance:g}: measured {found:.3f}")


def moves_of(folder):
    """What the robot did: stem, milliseconds after the onset, column, row on the screen."""
    paths = sorted(pathlib.Path(folder).glob("script-*.json"))
    return [tuple(move) for path in paths for move in json.loads(path.read_text())["moves"]]


def follow(shown, moves):
    """Compares samples with the pointer.

    Args:
        shown: presentations by stem.
        moves: of the pointer.

    Returns:
        Median distance after each move while the pointer rests, in pixels; and the time from each
        move to the first sample there, in milliseconds.
    """
    errors, delays = [], []
    for stem, moved_ms, x, y in moves:
        times = np.array(shown[stem].t_ms)
        distance = np.hypot(np.array(shown[stem].x, float) - x, np.array(shown[stem].y, float) - y)
        still = (times > moved_ms + _STILL_MS[0]) & (times < moved_ms + _STILL_MS[1])
        there = times[(distance < 3) & (times > moved_ms - 20)]
        if still.sum() > 5 and len(there):
            errors.append(float(np.median(distance[still])))
            delays.append(float(there[0] - moved_ms))
    return errors, delays


def measure_variances(screenshots, place):
    """Fits a Gaussian to the picture at each level, from the sharp one on the screen.

    Args:
        screenshots: folder with a file for each level, such as `11_picture_10.0.png`.
        place: where the picture was.

    Returns:
        Measured variance by the protocol's, in squared pixels of a long side of 500.
    """
    paths = pathlib.Path(screenshots).glob("*_picture_*.png")
    frames = {float(path.stem.split("_")[-1]): path for path in paths}
    sharp = _pixels(frames.pop(0.0), place)
    scale = max(place.width, place.height) / 500
    fits = {}
    for variance, path in sorted(frames.items(), reverse=True):
        seen = _pixels(path, place)
        best = optimize.minimize_scalar(
            _misfit, bounds=(0.1, 12), args=(sharp, seen), method="bounded"
        )
        fits[variance] = (best.x / scale) ** 2
    return fits


def _pixels(path, place):
    box = (place.left, place.top, place.left + place.width, place.top + place.height)
    pixels = np.asarray(Image.open(path).crop(box).convert("RGB"), float)
    return pixels[_BESIDE_PX : _BESIDE_PX + _FIT_PX, _BESIDE_PX : _BESIDE_PX + _FIT_PX]


def _misfit(sigma, sharp, seen):
    fitted = ndimage.gaussian_filter(sharp, (sigma, sigma, 0), mode="nearest")
    inside = slice(30, -30)  # the filter does not know what lies beside the crop
    return float(np.mean((fitted - seen)[inside, inside] ** 2))


def _print_fixations(recording, shown, moves):
    """Distance of each fixation of the study from the nearest place of the pointer."""
    try:
        from tfds_builders.gaze_folder import study as gaze_study
    except ImportError as error:
        print(f"fixations need what reads them: {error}")
        return
    distances = []
    planned = plan.read_plan(recording)
    for stem, fixations in gaze_study.open_study(recording / study.FOLDER).gaze.by_stem.items():
        place, picture = shown[stem].place, planned.pictures[stem]
        middle = _screen_middle(recording)
        points = [middle, *((x, y) for name, _, x, y in moves if name == stem)]
        scale = picture.width / place.width
        targets = (np.array(points) - (place.left, place.top) + 0.5) * scale - 0.5
        for x, y in zip(fixations.x, fixations.y, strict=True):
            distances.append(float(np.min(np.hypot(*(targets - (x, y)).T))))
    print(
        f"{len(distances)} fixations: {np.median(distances):.2f} px of the image (median) from the "
        f"pointer, {np.percentile(distances, 95):.2f} px (95 %)"
    )


def _screen_middle(recording):
    facts = json.loads((recording / study.FOLDER / "recording.json").read_text())
    return facts["screen_width_px"] / 2, facts["screen_height_px"] / 2


if __name__ == "__main__":
    app.run(main)
