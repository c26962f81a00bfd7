"""What a check says about conventions of coordinates, and what to write into `recording.json`."""

import math

from tfds_builders.gaze_folder.agreement import Agreement
from tfds_builders.gaze_folder.conventions import Verdict
from tfds_builders.gaze_folder.coordinates import Coordinates

_UNITS = {
    "pixel": "pixels",
    "share": "shares",
    "percent": "percent",
    "norm": "half widths and heights",
    "height": "heights",
}
_FLIPS = {"": "", "y": "y upwards", "x": "mirrored", "xy": "turned by 180 degrees"}
_FITS = {"inside": "fitted into it", "stretch": "stretched over it", "actual": "at its actual size"}
_RIVALS = 3  # how many are named
_SURE = 5.0  # standard errors of viewers' agreement
_FOLLOWS = 0.04  # nats a fixation that pictures tell of gaze which is where it should be


def fact(verdict: Verdict | None) -> str:
    """States the outcome of a comparison in a line.

    Args:
        verdict: the outcome; None where there was too little gaze.

    Returns:
        What predicts the gaze best and by how much, or that nothing can be said.
    """
    if verdict is None:
        return "coordinates: too few fixations to compare conventions"
    head = f"coordinates, {verdict.tried} conventions compared: {words(verdict.best)}"
    if verdict.wrong:
        return f"{head} predict the gaze best, by {verdict.gain:.2f} nats a fixation"
    if verdict.rivals:
        others = "; ".join(words(one) for one in verdict.rivals[:_RIVALS])
        return f"{head} are taken; this gaze does not tell them from: {others}"
    second = words(verdict.next_best)
    return f"{head} predict the gaze best, by {verdict.gain:.2f} nats a fixation over: {second}"


def suspicion(verdict: Verdict, stated: Coordinates | None) -> str:
    """States a mistake and its remedy.

    Args:
        verdict: an outcome that is `wrong`.
        stated: what `recording.json` says of coordinates.

    Returns:
        Sentences.
    """
    text = (
        f"coordinates look like {words(verdict.best)}: that predicts the gaze better than pixels "
        f"of the image by {verdict.gain:.2f} nats a fixation"
    )
    if stated is not None:
        return (
            f"{text}, and this after {stated.as_json()} of recording.json; remove that entry, and "
            "check again"
        )
    if verdict.rough:
        return (
            f"{text}. These numbers follow the gaze and are too rough to be used: {_error(verdict)}"
            '. Look up where the image was, and add to recording.json "coordinates": '
            '{"screen": [width, height], "fit": "inside", "stretch" or "actual"} with the size of '
            'the screen, or {"scale": [x, y], "shift": [x, y]} that lead to pixels of the image. '
            f"Until then, to look at the contact sheet: {verdict.best.as_json()}"
        )
    others = [one.as_json() for one in verdict.rivals[:_RIVALS]]
    if verdict.guessed:
        listed = "; or ".join([verdict.best.as_json(), *others])
        return (
            f"{text}. Other conventions, screens and factors fit about as well, those between the "
            "common ones too, and this gaze does not tell which is true. Look up the size of the "
            "screen, and the image's on it, in the tracker's file or the experiment; if one of "
            "these is true, "
            f"add it to recording.json: {listed}. Otherwise add "
            '"coordinates": {"scale": [x, y], "shift": [x, y]} that lead to pixels of the image'
        )
    if not others:
        return f"{text}. Add to recording.json: {verdict.best.as_json()}"
    return (
        f"{text}. Add to recording.json: {verdict.best.as_json()} - or, if that is how it was, "
        f"since this gaze fits it as well: {'; or '.join(others)}"
    )


def _error(verdict: Verdict) -> str:
    """How far off the numbers of a verdict may be."""
    if not math.isfinite(verdict.error):
        return "how far off they are cannot be told"
    return f"their standard error is {verdict.error:.1%} of the image's long side"


def doubt(verdict: Verdict | None, agreed: Agreement | None) -> list[str]:
    """States that gaze does not follow the pictures, though viewers look at the same places.

    Args:
        verdict: the outcome of a comparison, in which no convention was better beyond chance.
        agreed: how far viewers agree.

    Returns:
        A sentence; none where gaze follows the pictures, or that cannot be told.
    """
    if verdict is None or agreed is None or verdict.blank or agreed.t < _SURE:
        return []
    if verdict.gain < _FOLLOWS:
        return [
            "viewers look at the same places of a picture, but these are no better explained by "
            f"its contrasts than if the points were {words(verdict.next_best)} "
            f"({verdict.gain:+.2f} nats a fixation): shifted, scaled or of other pictures? See the "
            'contact sheet; "coordinates" in recording.json moves them'
        ]
    if verdict.doubtful:
        return [
            f"gaze {verdict.beside:.0%} of the image's long side beside where it is fits the "
            "pictures better, by another scale or shift: is it in pixels of the image? See the "
            "contact sheet, and look up the size of the screen in the tracker's file; "
            '"coordinates" in recording.json moves it'
        ]
    return []


def words(convention: Coordinates) -> str:
    """Describes a convention.

    Args:
        convention: any.

    Returns:
        Words such as "pixels of the image, y upwards".
    """
    frame = "the image"
    if convention.screen:
        width, height = (f"{side:g}" for side in convention.screen)
        frame = f"a screen of {width} x {height} with the image {_FITS[convention.fit]}"
    parts = [f"{_UNITS[convention.unit]} of {frame}"]
    parts += ["x and y swapped"] * convention.swap
    parts += ["from its centre"] * (convention.origin == "centre")
    parts += [_FLIPS[convention.flip]] * bool(convention.flip)
    if convention.scale != (1, 1):
        parts.append("times {:.4g} and {:.4g}".format(*convention.scale))
    if convention.shift != (0, 0):
        parts.append("shifted by {:+.4g} and {:+.4g}".format(*convention.shift))
    if convention.picture:
        parts.append(f"gaze of the picture {convention.picture:+d} in the order of names")
    return ", ".join(parts)
