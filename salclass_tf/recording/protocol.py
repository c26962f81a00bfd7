"""What happens in a trial, as numbers: the paper's, and ours where it says nothing."""

import dataclasses
import json
import math
import os
import pathlib

TASKS = ("classification", "free_viewing", "memory")
LANGUAGES = ("en", "de")


@dataclasses.dataclass(frozen=True)
class Protocol:
    """The numbers of an experiment; `SOURCES` says where each comes from.

    Attributes:
        task: "classification" (the picture grows sharp until it is recognised), "free_viewing" or
            "memory" (a sharp picture for `viewing_s`, the bottom-up control of Fig. 1; "memory"
            also asks after each block which pictures were seen).
        start_variance: variance of the first Gaussian, in squared reference pixels.
        variance_step: how much the variance falls each time.
        step_s: seconds between two falls.
        sharp_s: seconds that the sharp picture stays at the end.
        blur_reference_px: long side of a picture in reference pixels. A picture of this size is
            blurred in its own pixels; others are blurred by the same share of their long side.
        viewing_s: seconds that a picture is seen in "free_viewing" and "memory".
        training_pictures: pictures of each class that are set aside for training and never
            recorded.
        training_s: seconds that a training picture is shown with its class.
        training_rounds: maximum number of training rounds.
        training_criterion: share of right answers that ends the training.
        feedback_s: seconds that the right class is shown after an answer in training.
        block_size: maximum number of pictures between two breaks.
        probe_pictures: pictures asked about after a block of "memory"; half of them are new.
        cross_s: seconds of gaze on the fixation cross before a picture.
        drift_tolerance_deg: maximum distance of this gaze from the cross, in degrees.
        drift_wait_s: seconds after which gaze that stays away is reported as drift.
        picture_share: share of the screen's width and height that a picture may fill.
        tracker_timeout_s: seconds without a sample after which the tracker counts as lost.
        mouse_radius_px: radius of the sharp disc of mouse-contingent viewing, reference pixels.
        mouse_variance: variance of the blur around it, in squared reference pixels.
        language: of the texts on the screen, "en" or "de".
    """

    task: str = "classification"
    start_variance: float = 10.0
    variance_step: float = 1.0
    step_s: float = 0.5
    sharp_s: float = 0.5
    blur_reference_px: float = 500.0
    viewing_s: float = 5.0
    training_pictures: int = 2
    training_s: float = 3.0
    training_rounds: int = 3
    training_criterion: float = 0.8
    feedback_s: float = 1.0
    block_size: int = 40
    probe_pictures: int = 8
    cross_s: float = 0.5
    drift_tolerance_deg: float = 1.5
    drift_wait_s: float = 5.0
    picture_share: float = 0.8
    tracker_timeout_s: float = 0.5
    mouse_radius_px: float = 40.0
    mouse_variance: float = 100.0
    language: str = "en"

    def __post_init__(self) -> None:
        """Checks the values."""
        for field in dataclasses.fields(self):
            _check(field, getattr(self, field.name))
        for name, allowed in (("task", TASKS), ("language", LANGUAGES)):
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"`{name}` must be one of {', '.join(allowed)}; got {getattr(self, name)!r}"
                )
        for name in ("picture_share", "training_criterion"):
            if not getattr(self, name) <= 1:
                raise ValueError(f"`{name}` is a share, up to 1; got {getattr(self, name)}")
        if self.block_size < 1:
            raise ValueError(f"`block_size` must be at least 1; got {self.block_size}")
        if self.start_variance / self.variance_step > 100:
            raise ValueError(
                "a picture has at most 100 levels of blur; got a variance of "
                f"{self.start_variance} in steps of {self.variance_step}. Enlarge the step"
            )

    @property
    def levels(self) -> tuple[tuple[float, float], ...]:
        """The blur of a picture: seconds after its onset, and the variance from then on.

        The last level is sharp: its variance is 0.
        """
        if self.task != "classification":
            return ((0.0, 0.0),)
        falls = math.ceil(round(self.start_variance / self.variance_step, 9))
        variances = [self.start_variance - fall * self.variance_step for fall in range(falls)]
        return tuple((fall * self.step_s, v) for fall, v in enumerate([*variances, 0.0]))

    @property
    def duration_s(self) -> float:
        """Maximum number of seconds that a picture is shown."""
        if self.task != "classification":
            return self.viewing_s
        return self.levels[-1][0] + self.sharp_s

    @property
    def has_training(self) -> bool:
        """Whether people learn the classes first."""
        return self.task == "classification" and self.training_rounds > 0

    @property
    def set_aside(self) -> int:
        """Pictures of each class that are not recorded: for training, or new ones to ask about."""
        if self.has_training:
            return self.training_pictures
        return 1 if self.task == "memory" and self.probe_pictures else 0

    def sigma(self, variance: float, long_side: float) -> float:
        """Returns the Gaussian's sigma in the pixels of a picture, however large it is.

        Args:
            variance: squared reference pixels.
            long_side: long side of the picture in the wanted pixels.

        Returns:
            Pixels; 0 is sharp.
        """
        return math.sqrt(variance) * long_side / self.blur_reference_px


_PAPER = "paper, Sec. 4"
SOURCES = {
    "task": f"{_PAPER}: people identify the class of each picture",
    "start_variance": f'{_PAPER}: "a Gaussian filter whose variance was initially set to 10"',
    "variance_step": f'{_PAPER}: "gradually reduced by 1"',
    "step_s": f'{_PAPER}: "each half second"',
    "sharp_s": "ours: a step; the paper stops when pictures are completely sharp",
    "blur_reference_px": (
        "ours: the paper does not say in pixels of which size; 500 is the usual long side of the "
        "photographs in Stanford Dogs"
    ),
    "viewing_s": "ours: 5 s, as in many free-viewing sets; 3 s is as common",
    "training_pictures": "ours: the paper does not say; never recorded, so no picture comes twice",
    "training_s": "ours: the paper does not say",
    "training_rounds": f'{_PAPER} has "training sessions"; their number is ours',
    "training_criterion": "ours: the paper does not say",
    "feedback_s": "ours: the paper does not say",
    "block_size": "ours: about 5 minutes",
    "probe_pictures": "ours",
    "cross_s": "ours: the paper does not say",
    "drift_tolerance_deg": "ours: three times the accuracy that makers state",
    "drift_wait_s": "ours",
    "picture_share": "ours: the paper does not say",
    "tracker_timeout_s": "ours; trackers send samples during a blink, too",
    "mouse_radius_px": "ours, for people without a tracker",
    "mouse_variance": "ours: too blurred to recognise detail, sharp enough to find it",
    "language": "ours",
}
"""Where each number comes from."""


def read_protocol(path: str | os.PathLike | None, task: str = "classification") -> Protocol:
    """Reads a JSON object with the numbers that differ from the defaults.

    Args:
        path: the file; None for the defaults.
        task: the task, unless the file names one.

    Returns:
        The protocol.

    Raises:
        ValueError: if the file is no JSON object, or a key or value is none of `Protocol`'s.
    """
    if path is None:
        return Protocol(task=task)
    try:
        given = json.loads(pathlib.Path(path).read_text("utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"{path} must be a JSON file ({error}); repair it") from error
    if not isinstance(given, dict):
        raise ValueError(f"{path} must hold a JSON object; got {given!r}")
    try:
        return from_dict({"task": task} | given)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def from_dict(values: dict) -> Protocol:
    """Makes a protocol of stored values.

    Args:
        values: by name of the field.

    Returns:
        The protocol.

    Raises:
        ValueError: if a name or a value is wrong.
    """
    names = [field.name for field in dataclasses.fields(Protocol)]
    if unknown := sorted(set(values) - set(names)):
        raise ValueError(f"keys must be among {', '.join(names)}; got {', '.join(unknown)}")
    return Protocol(**values)


_MAY_BE_ZERO = {
    "start_variance", "sharp_s", "training_pictures", "training_rounds", "training_criterion",
    "feedback_s", "probe_pictures", "cross_s",
}  # fmt: skip


def _check(field: dataclasses.Field, value: object) -> None:
    """Checks the type and range of one value."""
    if field.type is str:
        if not isinstance(value, str):
            raise ValueError(f"`{field.name}` must be text; got {value!r}")
        return
    kind = int if field.type is int else int | float
    if isinstance(value, bool) or not isinstance(value, kind) or not math.isfinite(value):
        what = "a whole number" if field.type is int else "a number"
        raise ValueError(f"`{field.name}` must be {what}; got {value!r}")
    if value < 0 or (value == 0 and field.name not in _MAY_BE_ZERO):
        bound = "0 or more" if field.name in _MAY_BE_ZERO else "above 0"
        raise ValueError(f"`{field.name}` must be {bound}; got {value}")
