"""The metrics by name, with what each needs to know about an image."""

import dataclasses
from collections.abc import Callable

from salclass_tf import metrics
from salclass_tf.evaluation.maps.gaze import Gaze
from salclass_tf.metrics.fixated import Fixated
from salclass_tf.metrics.prepared import Prepared
from salclass_tf.metrics.roc import ranked_above

_MIT_OTHERS = 10  # images whose fixations are the MIT benchmark's negatives


@dataclasses.dataclass(frozen=True, eq=False)
class Subject:
    """One map and everything that it can be compared with.

    Attributes:
        name: of the image.
        saliency: predicted map, [h, w].
        xy: the pixels of the fixations to predict.
        target: ground-truth heat map, [h, w], or None.
        gaze: the data set, which this image belongs to.
        prior_sigma_px: blur of the prior from the other images, in pixels.
        seed: of the metrics that draw.
    """

    name: str
    saliency: Prepared
    xy: Fixated
    target: Prepared | None
    gaze: Gaze
    prior_sigma_px: float | None
    seed: tuple[int, ...]

    def lacks(self, needs: tuple[str, ...]) -> str | None:
        """Tells what a metric needs and this image has not; None where nothing is missing."""
        if "fixations" in needs and len(self.xy) == 0:
            return "no fixation points"
        if "others" in needs and self.gaze.count_elsewhere(self.name) == 0:
            return "no fixation points on other images"
        if "target" in needs and self.target is None:
            return "no heat map"
        return None

    def undefined(self, needs: tuple[str, ...]) -> str:
        """Tells why a metric has no score of this image, which lacks nothing of what it needs."""
        if "target" in needs and self.target.is_constant:
            return "constant heat map"
        if "fixations" in needs and self.xy.pixels(binary=True).size == self.saliency.size:
            return "every pixel is fixated"
        return "numbers too large or too small"


@dataclasses.dataclass(frozen=True)
class Measure:
    """A metric of one image.

    Attributes:
        title: heading of its column.
        score: of a subject; NaN where undefined.
        needs: what must be there: "fixations", "others" (fixations on other images), "target".
        per_fixation: whether the score is a mean over fixations, so that a mean over the
            fixations of the whole set has a meaning.
        higher_is_better: the direction.
    """

    title: str
    score: Callable[[Subject], float]
    needs: tuple[str, ...]
    per_fixation: bool = False
    higher_is_better: bool = True


def _shuffled_auc(subject: Subject) -> float:
    elsewhere, counts = subject.gaze.elsewhere(subject.name)
    return ranked_above(*subject.saliency.beside(subject.xy, elsewhere), counts)


def _shuffled_auc_mit(subject: Subject) -> float:
    others = subject.gaze.others(subject.name, _MIT_OTHERS, subject.seed)
    return metrics.shuffled_auc(
        subject.saliency, subject.xy, others, binary=True, draws=100, step=0.1, seed=subject.seed
    )


def _information_gain(subject: Subject, **form: bool) -> float:
    prior = subject.gaze.prior(subject.name, subject.prior_sigma_px)
    return metrics.information_gain(subject.saliency, subject.xy, prior, **form)


_GAZE = ("fixations",)
_BOTH = ("fixations", "others")
_MAP = ("target",)

#: every metric that `evaluate` knows; `_mit` is the form of the MIT saliency benchmark's code
MEASURES: dict[str, Measure] = {
    "shuffled_auc": Measure("s-AUC", _shuffled_auc, _BOTH, True),
    "nss": Measure("NSS", lambda s: metrics.nss(s.saliency, s.xy), _GAZE, True),
    "cc": Measure("CC", lambda s: metrics.cc(s.saliency, s.target), _MAP),
    "sim": Measure("SIM", lambda s: metrics.sim(s.saliency, s.target), _MAP),
    "kl": Measure("KL", lambda s: metrics.kl(s.saliency, s.target), _MAP, higher_is_better=False),
    "auc": Measure("AUC", lambda s: metrics.auc(s.saliency, s.xy), _GAZE, True),
    "auc_unfixated": Measure(
        "AUC (unfixated)", lambda s: metrics.auc(s.saliency, s.xy, unfixated=True), _GAZE, True
    ),
    "auc_judd": Measure("AUC-Judd", lambda s: metrics.auc_judd(s.saliency, s.xy), _GAZE),
    "auc_borji": Measure(
        "AUC-Borji", lambda s: metrics.auc_borji(s.saliency, s.xy, seed=s.seed), _GAZE, True
    ),
    "information_gain": Measure("IG (bit)", _information_gain, _BOTH, True),
    "shuffled_auc_mit": Measure("s-AUC (MIT)", _shuffled_auc_mit, _BOTH),
    "nss_mit": Measure(
        "NSS (MIT)", lambda s: metrics.nss(s.saliency, s.xy, binary=True, ddof=1), _GAZE
    ),
    "sim_mit": Measure(
        "SIM (MIT)", lambda s: metrics.sim(s.saliency, s.target, stretch=True), _MAP
    ),
    "auc_judd_mit": Measure(
        "AUC-Judd (MIT)",
        lambda s: metrics.auc_judd(s.saliency, s.xy, binary=True, jitter=1e-7, seed=s.seed),
        _GAZE,
    ),
    "auc_borji_mit": Measure(
        "AUC-Borji (MIT)",
        lambda s: metrics.auc_borji(s.saliency, s.xy, binary=True, seed=s.seed),
        _GAZE,
    ),
    "information_gain_mit": Measure(
        "IG (MIT, bit)", lambda s: _information_gain(s, binary=True, stretch=True), _BOTH
    ),
}


def check(names: tuple[str, ...], prior_sigma_px: float | None) -> None:
    """Checks a choice of metrics.

    Raises:
        ValueError: if a name is unknown, there is none, or the blur of the prior is missing.
    """
    unknown = [name for name in names if name not in MEASURES]
    if unknown or not names:
        got = repr(unknown[0]) if unknown else "none"
        raise ValueError(f"metrics must be some of {', '.join(MEASURES)}; got {got}")
    gains = [name for name in names if name.startswith("information_gain")]
    if gains and not (prior_sigma_px is not None and prior_sigma_px > 0):
        raise ValueError(
            f"{gains[0]} compares with a blurred prior: prior_sigma_px must be above 0 pixels; "
            f"got {prior_sigma_px}"
        )
