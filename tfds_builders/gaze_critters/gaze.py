"""Simulated viewers: from a scene to fixations."""

import dataclasses

import numpy as np

from tfds_builders.gaze_critters.scene import Scene

TASK_SIGMA, FREE_SIGMA = 30.0, 30.0  # Gaussians of the heat maps, original pixels
TASK_VIEWERS, TASK_VIEWERS_AN_IMAGE, FREE_VIEWERS = 8, 3, 10

_SCATTER = 5.0  # pixels, of a fixation around what it aims at
_TASK_COUNTS, _TASK_COUNT_ODDS = (1, 2, 3), (0.17, 0.6, 0.23)  # 2.06 a viewer, 6.2 an image
_ON_PART = 0.78  # share of task fixations that aim at a badge or a tail
_LOG_DURATION = (np.log(250.0), 0.35)  # median 250 ms
# How far each viewer looks beside the aim (the error of the tracker's calibration), pixels.
_VIEWER_BIAS = np.random.default_rng(31).normal(0, 2.5, (max(TASK_VIEWERS, FREE_VIEWERS), 2))

Fixations = dict[str, np.ndarray]
NOBODY: Fixations = {
    "x": np.zeros(0, np.float32),
    "y": np.zeros(0, np.float32),
    "duration_ms": np.zeros(0, np.float32),
    "viewer": np.zeros(0, np.int32),
}


def _anywhere(rng: np.random.Generator, scene: Scene, count: int) -> np.ndarray:
    return rng.uniform((0, 0), scene.picture.size, (count, 2))


def _loud(rng: np.random.Generator, scene: Scene, count: int) -> np.ndarray:
    """Aims at distractors, the louder the likelier."""
    if not scene.distractors:
        return _anywhere(rng, scene, count)
    loudness = np.array([d.loudness for d in scene.distractors])
    places = np.array([[d.frame.x, d.frame.y, d.frame.scale] for d in scene.distractors])
    chosen = places[rng.choice(len(places), count, p=loudness / loudness.sum())]
    return chosen[:, :2] + rng.normal(0, 0.12, (count, 2)) * chosen[:, 2:]


def _critter(rng: np.random.Generator, scene: Scene, count: int) -> np.ndarray:
    """Aims at critters as a whole."""
    on_trunk = rng.normal(0, (0.2, 0.1), (count, 2))
    every = np.stack([critter.frame.to_picture(on_trunk) for critter in scene.critters])
    return every[rng.integers(len(every), size=count), np.arange(count)]


def _centre(rng: np.random.Generator, scene: Scene, count: int) -> np.ndarray:
    return rng.normal(0.5, 0.12, (count, 2)) * scene.picture.size


def _aims(rng: np.random.Generator, scene: Scene, count: int, shares: dict) -> np.ndarray:
    """Returns `count` points to look at, float64 [count, 2]; `shares` says how many of each."""
    sources = list(shares)
    source = rng.choice(len(sources), count, p=list(shares.values()))
    points = np.zeros((count, 2))
    for i in set(source.tolist()):
        chosen = np.flatnonzero(source == i)
        points[chosen] = sources[i](rng, scene, len(chosen))
    return points


def _landed(
    rng: np.random.Generator, scene: Scene, viewer: np.ndarray, aims: np.ndarray
) -> Fixations:
    """Adds scatter and each viewer's bias, and drops what fell off the picture."""
    points = aims + _VIEWER_BIAS[viewer] + rng.normal(0, _SCATTER, aims.shape)
    duration = rng.lognormal(*_LOG_DURATION, len(aims))
    inside = ((points >= 0) & (points <= np.array(scene.picture.size) - 1)).all(axis=1)
    x, y = points[inside].T.astype(np.float32)
    return {
        "x": x,
        "y": y,
        "duration_ms": duration[inside].astype(np.float32),
        "viewer": viewer[inside].astype(np.int32),
    }


def _part_aims(rng: np.random.Generator, scene: Scene, counts: np.ndarray) -> np.ndarray:
    """Lets each viewer look at badge and tail of a critter in turn, float64 [fixations, 2]."""
    aims = []
    for count in counts:
        parts = scene.critters[rng.integers(len(scene.critters))].centres
        aims.append(parts[(rng.integers(2) + np.arange(count)) % 2])
    return np.concatenate(aims)


def recognise(rng: np.random.Generator, scene: Scene) -> Fixations:
    """Simulates three of eight viewers who tell the class; about six fixations an image.

    Args:
        rng: source of randomness.
        scene: the picture and its parts.

    Returns:
        x, y (0-based pixels inside the picture), duration_ms, each float32 [n]; viewer (0 to 7),
        int32 [n].
    """
    viewers = np.sort(rng.permutation(TASK_VIEWERS)[:TASK_VIEWERS_AN_IMAGE])
    counts = rng.choice(_TASK_COUNTS, len(viewers), p=_TASK_COUNT_ODDS)
    on_part = rng.random(counts.sum()) < _ON_PART
    elsewhere = _aims(rng, scene, counts.sum(), _TASK_ELSEWHERE)
    aims = np.where(on_part[:, None], _part_aims(rng, scene, counts), elsewhere)
    return _landed(rng, scene, np.repeat(viewers, counts), aims)


def attend(rng: np.random.Generator, scene: Scene) -> Fixations:
    """Simulates viewers who tell the class of the first critter; nobody cares for the other one.

    Args:
        rng: source of randomness.
        scene: the picture and its parts.

    Returns:
        As `recognise`.
    """
    return recognise(rng, dataclasses.replace(scene, critters=scene.critters[:1]))


def look_around(rng: np.random.Generator, scene: Scene) -> Fixations:
    """Simulates ten viewers without a task, drawn by what is loud; about six fixations each.

    Args:
        rng: source of randomness.
        scene: the picture and its parts.

    Returns:
        As `recognise`; viewer is 0 to 9.
    """
    counts = rng.integers(4, 9, FREE_VIEWERS)
    aims = _aims(rng, scene, counts.sum(), _FREE_SHARES)
    return _landed(rng, scene, np.repeat(np.arange(FREE_VIEWERS), counts), aims)


_TASK_ELSEWHERE = {_critter: 0.4, _loud: 0.3, _anywhere: 0.3}
_FREE_SHARES = {_loud: 0.66, _critter: 0.16, _centre: 0.1, _anywhere: 0.08}
