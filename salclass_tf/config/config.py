"""What a run is: its networks, its stages, and what all stages share."""

import dataclasses
import math

from salclass_tf.config import overrides
from salclass_tf.config.optimizer import require
from salclass_tf.config.stage import CLASSIFIER, ROLES, Stage, pretraining_of, role
from salclass_tf.config.stage import check as check_stage
from salclass_tf.data.geometry import Geometry

STRATEGIES = ("auto", "cpu", "gpu", "mirrored", "multi_worker", "tpu")
MAP_SCALES = ("none", "peak", "standardise")  # those of `layers.MapScale`
PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")
COMPILES = ("auto", "xla", "weight_gradients", "none")
FEATURE_PLACES = ("none", "memory", "disk")


@dataclasses.dataclass(frozen=True)
class Config:
    """A run: the networks, the stages and what all stages share.

    Attributes:
        preset: the preset it was made from.
        detector: name for `build_detector`.
        classifier: name for `build_classifier`.
        detector_options: network name -> more arguments of `build_detector`.
        classifier_options: network name -> more arguments of `build_classifier`.
        detector_weights: start of the detector: None (random), "imagenet", "demo" or a path.
        classifier_weights: the same for the classifier.
        pretrain_detector: whether the detector is trained by `saliency_pretrain` first.
        pretrain_classifier: whether the classifier is trained by `classifier_pretrain` first.
        compare_rgb: whether `joint` asks for the RGB-only classifier, to compare with.
        width: scales every channel count of both networks.
        image_size: side of the square crops, in pixels.
        short_side: short side to which images are scaled before cropping, in pixels.
        alpha: weight of the class error (Eq. 1).
        map_scale: height in which SalClassNet's classifier reads the detector's map, one of
            `layers.MAP_SCALES`.
        fit_map_normalization: whether the classifier's normalisation of the map gets the
            statistics of the detector's maps when the parts are joined.
        fit_statistics: whether batch normalisation gets the mean statistics of training batches
            after each epoch, in place of running means of its last steps.
        seed: decides every random choice.
        precision: one of `PRECISIONS`.
        compile: what of training steps XLA compiles, one of `COMPILES`.
        cache_features: where stages of fixed views keep what the frozen beginning of a network
            makes of them, one of `FEATURE_PLACES`; like the devices, it changes results by rounding
            at most.
        max_steps: maximum number of steps of every stage (a try-out), or None.
        stages: name -> `Stage`.
    """

    preset: str
    stages: dict[str, Stage]
    detector: str = "vgg19"
    classifier: str = "inception_v3"
    detector_options: dict[str, dict] = dataclasses.field(default_factory=dict)
    classifier_options: dict[str, dict] = dataclasses.field(default_factory=dict)
    detector_weights: str | None = None
    classifier_weights: str | None = None
    pretrain_detector: bool = True
    pretrain_classifier: bool = True
    compare_rgb: bool = True
    width: float = 1.0
    image_size: int = 299
    short_side: int = 340
    alpha: float = 0.2
    map_scale: str = "none"
    fit_map_normalization: bool = False
    fit_statistics: bool = False
    seed: int = 0
    precision: str = "auto"
    compile: str = "auto"
    cache_features: str = "none"
    max_steps: int | None = None

    def __post_init__(self):
        """Validates the values."""
        finite = 0 <= self.alpha < math.inf
        require(finite, "alpha must be at least 0 and finite", self.alpha)
        require(self.seed >= 0, "seed must be at least 0", self.seed)
        wide = 0 < self.width < math.inf
        require(wide, "width must be above 0 and finite", self.width)
        scaled = self.map_scale in MAP_SCALES
        require(scaled, f"map_scale is one of {MAP_SCALES}", self.map_scale)
        require(self.precision in PRECISIONS, f"precision is one of {PRECISIONS}", self.precision)
        require(self.compile in COMPILES, f"compile is one of {COMPILES}", self.compile)
        known = self.cache_features in FEATURE_PLACES
        require(known, f"cache_features is one of {FEATURE_PLACES}", self.cache_features)
        require(
            0 < self.image_size <= self.short_side,
            "image_size must be above 0 and at most short_side",
            (self.image_size, self.short_side),
        )
        require(
            self.max_steps is None or self.max_steps > 0, "steps must be above 0", self.max_steps
        )
        for name, stage in self.stages.items():
            role(name)  # raises if there is none
            check_stage(name, stage)

    def geometry(self, stage: str) -> Geometry:
        """Crop and resize sizes of a stage."""
        return Geometry(*(self.stages[stage].geometry or (self.image_size, self.short_side)))

    def starts_from(self, stage: str) -> tuple[str, ...]:
        """The stages whose networks `stage` starts from, those left out that this run skips."""
        return tuple(name for name in role(stage).starts_from if not self._skips(name))

    def prerequisites(self, stage: str) -> tuple[str, ...]:
        """The stages whose networks `stage` starts from or is compared with, in order."""
        compared = role(stage).compared_with if self.compare_rgb else ()
        needed = (*self.starts_from(stage), *compared)
        return tuple(name for name in ROLES if name in needed)

    def start_of(self, stage: str, part: str) -> str | None:
        """The stage whose network a part starts from, None where it starts from weights alone.

        Args:
            stage: the stage that is to be trained.
            part: `stage.DETECTOR` or `stage.CLASSIFIER`.
        """
        starts = (name for name in self.starts_from(stage) if part in ROLES[name].trains)
        return next(starts, None)

    def _skips(self, stage: str) -> bool:
        """Whether this run does without a stage of pretraining."""
        row = role(stage)
        return row.pretraining and not all(getattr(self, f"pretrain_{p}") for p in row.trains)

    def override(
        self,
        stage: str,
        run: dict,
        numbers: dict,
        recipe: str = "common",
        saliency_loss: str | None = None,
        options: dict[str, dict] | None = None,
        fixed_views: bool | None = None,
    ) -> "Config":
        """Returns the configuration with what a user asked for, see `overrides.override`."""
        return overrides.override(
            self, stage, run, numbers, recipe, saliency_loss, options, fixed_views
        )

    def for_stage(self, stage: str) -> dict:
        """What decides the result of a stage, as plain types: what its folder is known by."""
        row = role(stage)
        names = ["width", "seed", "precision", "compile", "max_steps", "fit_statistics"]
        for part in row.trains:
            names.append(part)
            if not row.pretraining:
                names.append(f"pretrain_{part}")
            if not self.makes_demo_weights(stage):
                names.append(f"{part}_weights")
        if row.is_joint:
            names += ["alpha", "map_scale", "fit_map_normalization"]
        everything = dataclasses.asdict(self)
        chosen = {name: everything[name] for name in names}
        chosen["geometry"] = dataclasses.astuple(self.geometry(stage))
        for part in row.trains:
            chosen[f"{part}_options"] = everything[f"{part}_options"].get(chosen[part], {})
        if CLASSIFIER in row.trains and not row.reads_map:
            options = chosen["classifier_options"]
            # A network without a map has the plain mean, whatever that of its twin is.
            chosen["classifier_options"] = {k: v for k, v in options.items() if k != "pooling"}
        numbers = everything["stages"][stage]
        if not row.trains_detector:
            del numbers["saliency_loss"]
        return chosen | {"stage": numbers}

    def makes_demo_weights(self, stage: str) -> bool:
        """Whether a stage makes the demo's weights, and so cannot start from them."""
        return stage == pretraining_of(CLASSIFIER) and self.classifier_weights == "demo"
