"""Scores of predicted maps, image by image, on all cores and in little memory."""

import collections
import dataclasses
import itertools
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent import futures
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from salclass_tf.evaluation.maps.gaze import Gaze
from salclass_tf.evaluation.maps.measures import MEASURES, Subject, check
from salclass_tf.evaluation.maps.scores import Scores
from salclass_tf.metrics.fixated import fixated
from salclass_tf.metrics.prepared import Prepared, prepared

#: the metrics of the paper's Table 4
TABLE_4 = ("shuffled_auc", "nss", "cc")

# Two threads that score an image in less gain nothing and take half as much processor time again:
# each of NumPy's calls gives up the interpreter's lock, and waits to get it back (measured).
_WORTH_THREADS_S = 0.002

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    """A predicted map and what it is to be compared with.

    Attributes:
        name: of the image, as in the recordings.
        saliency: predicted map, [height, width] of the image.
        target: ground-truth heat map, likewise, or None.
        xy: fixations to predict, [n, 2]; None means all that were recorded on the image.
        viewer: who made them, where they are one person's; an image may have a case for each
            viewer, and its score is their mean.
    """

    name: str
    saliency: npt.ArrayLike
    target: npt.ArrayLike | None = None
    xy: npt.ArrayLike | None = None
    viewer: int | None = None


@dataclasses.dataclass(frozen=True)
class _Row:
    """The scores of one case, and why some are missing."""

    name: str
    viewer: int | None
    fixations: int
    values: tuple[float, ...]
    reasons: tuple[str | None, ...]


def evaluate(
    cases: Iterable[Case],
    gaze: Gaze,
    measures: Sequence[str] = TABLE_4,
    *,
    labels: Mapping[str, str] | None = None,
    skipped: Mapping[str, str] | None = None,
    prior_sigma_px: float | None = None,
    seed: int = 0,
    workers: int | None = None,
) -> Scores:
    """Scores the maps of a data set.

    The iterable is read as the maps are needed, a few ahead: memory does not grow with the
    number of images. Threads, not processes: NumPy releases the interpreter lock in what takes
    time here, so that two threads keep two cores busy without copies of the maps.

    Args:
        cases: a map for each image, in any order.
        gaze: the recordings of the whole data set.
        measures: names of metrics, keys of `MEASURES`.
        labels: what the scores are of, for tables: heading -> text.
        skipped: images without a map -> the reason.
        prior_sigma_px: blur of the other images' fixations, for information gain.
        seed: of the metrics that draw; each image has draws of its own.
        workers: threads; None is one for each core where an image takes long enough to score,
            and otherwise one.

    Returns:
        The scores, in the order of the recordings. An image that a metric does not apply to (no
        fixation points, no heat map) is NaN there, with the reason.

    Raises:
        ValueError: if a metric is unknown, a map is broken or has another size than its image,
            or maps and recordings do not belong together; the message names the image.
    """
    measures, skipped = tuple(measures), dict(skipped or {})
    check(measures, prior_sigma_px)
    order = {name: index for index, name in enumerate(gaze)}

    def score(cases: collections.deque[Case]) -> list[_Row]:
        rows = []
        while cases:  # emptied: a map that has been scored goes, with all that was found of it
            case = cases.popleft()
            draws = seed, order[case.name]
            rows.append(_score(case, gaze, measures, prior_sigma_px, draws))
        return rows

    # Viewers of an image share what is known of it: one thread scores them all.
    by_image = itertools.groupby(_matched(cases, gaze, skipped), lambda case: case.name)
    scored = _parallel(score, (collections.deque(group) for _, group in by_image), workers)
    rows = list(itertools.chain.from_iterable(scored))
    _check_complete([*skipped, *(row.name for row in rows)], gaze)
    rows.sort(key=lambda row: order[row.name])
    return Scores(
        labels=dict(labels or {}),
        images=tuple(row.name for row in rows),
        fixations=np.array([row.fixations for row in rows], np.int64),
        values={
            name: np.array([row.values[index] for row in rows], np.float64)
            for index, name in enumerate(measures)
        },
        reasons={
            name: {row.name: row.reasons[index] for row in rows if row.reasons[index]}
            for index, name in enumerate(measures)
        },
        skipped=skipped,
        outside=sum(recording.outside for recording in gaze.values()),
    )


def _matched(cases: Iterable[Case], gaze: Gaze, skipped: Mapping[str, str]) -> Iterator[Case]:
    """Yields the cases, having checked that each has a recording and comes once."""
    seen = set()
    for case in cases:
        if case.name not in gaze:
            raise ValueError(
                f"every map needs a recording of its name; there is none for {case.name!r}"
            )
        if case.name in skipped or (case.name, case.viewer) in seen:
            raise ValueError(f"every image is scored once; got {case.name!r} again")
        seen.add((case.name, case.viewer))
        yield case


def _check_complete(names: Sequence[str], gaze: Gaze) -> None:
    """Checks that the whole set is scored: shuffled AUC depends on the whole of it."""
    known = set(names)
    unknown = sorted(known - set(gaze))
    if unknown:
        raise ValueError(f"only recorded images can be skipped; there is no {unknown[0]!r}")
    missing = [name for name in gaze if name not in known]
    if missing:
        raise ValueError(
            f"every recorded image needs a map; {len(missing)} of {len(gaze)} have none, the "
            f"first is {missing[0]!r}: add them, leave them out of the recordings, or skip them "
            "with a reason"
        )


def _score(
    case: Case,
    gaze: Gaze,
    measures: tuple[str, ...],
    prior_sigma_px: float | None,
    seed: tuple[int, ...],
) -> _Row:
    """Scores one case; errors name the image."""
    recording = gaze[case.name]
    try:
        subject = Subject(
            name=case.name,
            saliency=_fitting(case.saliency, recording.size, "map"),
            xy=recording.fixated if case.xy is None else fixated(recording.size, case.xy),
            target=None
            if case.target is None
            else _fitting(case.target, recording.size, "heat map"),
            gaze=gaze,
            prior_sigma_px=prior_sigma_px,
            seed=seed,
        )
        # What compares two maps first: its pass over them yields the moments that NSS needs.
        first = sorted(measures, key=lambda name: "target" not in MEASURES[name].needs)
        answers = {name: _answer(subject, name) for name in first}
    except ValueError as error:
        raise ValueError(f"image {case.name!r}: {error}") from None
    values, reasons = zip(*(answers[name] for name in measures), strict=True)
    return _Row(case.name, case.viewer, len(subject.xy), values, reasons)


def _fitting(values: npt.ArrayLike, size: tuple[int, int], what: str) -> Prepared:
    """The map, prepared, of the size of its image."""
    values = prepared(values)
    if values.shape != tuple(size):
        raise ValueError(
            f"the {what} must have the size of the image, {size[0]} x {size[1]} pixels (rows x "
            f"columns); got {values.shape[0]} x {values.shape[1]}: resize it to the image"
        )
    return values


def _answer(subject: Subject, name: str) -> tuple[float, str | None]:
    """A score, or NaN and the reason."""
    measure = MEASURES[name]
    reason = subject.lacks(measure.needs)
    if reason is not None:
        return math.nan, reason
    value = measure.score(subject)
    return value, subject.undefined(measure.needs) if math.isnan(value) else None


def _parallel(
    function: Callable[[_Item], _Result], items: Iterable[_Item], workers: int | None
) -> Iterator[_Result]:
    """Maps items in threads, in order; unlike `Executor.map`, reads only a few items ahead."""
    items = iter(items)
    if workers is None:
        took = []
        for item in itertools.islice(items, 2):  # the first one fills caches
            start = time.perf_counter()
            result = function(item)
            took.append(time.perf_counter() - start)
            yield result
        workers = (os.cpu_count() or 1) if min(took, default=0) > _WORTH_THREADS_S else 1
    if workers == 1:
        yield from map(function, items)
        return
    waiting: collections.deque[futures.Future[_Result]] = collections.deque()
    with futures.ThreadPoolExecutor(workers) as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
