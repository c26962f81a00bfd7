"""What a training stage is, what a run is, and the presets: all numbers in one place."""

import dataclasses
import math
import pathlib

from salclass_tf.config import recipes
from salclass_tf.config.stage import Optimizer as Optimizer
from salclass_tf.config.stage import Stage as Stage
from salclass_tf.config.stage import check as check_stage
from salclass_tf.config.stage import has_detector, require

STAGES = (
    "saliency_pretrain",
    "saliency",
    "classifier_pretrain",
    "classifier_rgb",
    "classifier",
    "joint",
)
PRESETS = ("demo", "paper")
STRATEGIES = ("auto", "cpu", "gpu", "mirrored", "multi_worker", "tpu")
PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")

# Networks of `keras.applications` with batch normalisation that have no other options in the demo.
_NORMALISED = (
    "densenet121 densenet169 densenet201 efficientnet_b0 efficientnet_b1 efficientnet_b2 "
    "efficientnet_b3 efficientnet_b4 efficientnet_b5 efficientnet_b6 efficientnet_b7 "
    "efficientnet_v2_b0 efficientnet_v2_b1 efficientnet_v2_b2 efficientnet_v2_b3 "
    "efficientnet_v2_l efficientnet_v2_m efficientnet_v2_s inception_resnet_v2 mobilenet "
    "mobilenet_v2 mobilenet_v3_large mobilenet_v3_small nasnet_large nasnet_mobile resnet101 "
    "resnet101_v2 resnet152 resnet152_v2 resnet50 resnet50_v2 xception"
).split()

# At 7e-4 the nine ReLU layers of SalNet, which nothing normalises, output a constant from then on.
_HIGHEST_DEMO_RATES = {"salnet": 1e-4}


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
        seed: decides every random choice.
        precision: one of `PRECISIONS`.
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
    seed: int = 0
    precision: str = "auto"
    max_steps: int | None = None

    def __post_init__(self):
        """Validates the values."""
        finite = 0 <= self.alpha < math.inf
        require(finite, "alpha must be at least 0 and finite", self.alpha)
        require(self.seed >= 0, "seed must be at least 0", self.seed)
        require(self.width > 0, "width must be above 0", self.width)
        require(self.precision in PRECISIONS, f"precision is one of {PRECISIONS}", self.precision)
        require(
            0 < self.image_size <= self.short_side,
            "image_size must be above 0 and at most short_side",
            (self.image_size, self.short_side),
        )
        require(
            self.max_steps is None or self.max_steps > 0, "steps must be above 0", self.max_steps
        )
        for name, stage in self.stages.items():
            require(name in STAGES, f"a stage is one of {STAGES}", name)
            check_stage(name, stage)

    def geometry(self, stage: str) -> tuple[int, int]:
        """Side of the crops, and short side before cropping, of a stage, in pixels."""
        return self.stages[stage].geometry or (self.image_size, self.short_side)

    def prerequisites(self, stage: str) -> tuple[str, ...]:
        """The stages whose networks `stage` starts from or is compared with, in order."""
        detector = ("saliency_pretrain",) if self.pretrain_detector else ()
        classifier = ("classifier_pretrain",) if self.pretrain_classifier else ()
        compared = ("classifier_rgb",) if self.compare_rgb else ()
        return {
            "saliency_pretrain": (),
            "saliency": detector,
            "classifier_pretrain": (),
            "classifier_rgb": classifier,
            "classifier": classifier,
            "joint": ("saliency", *compared, "classifier"),
        }[stage]

    def override(
        self,
        stage: str,
        run: dict,
        numbers: dict,
        recipe: str = "common",
        saliency_loss: str | None = None,
    ) -> "Config":
        """Returns the configuration with what a user asked for; None stands for "not asked".

        Args:
            stage: the stage that `numbers` are meant for.
            run: values of this class's own fields. Another image size keeps the ratio to the short
                side; a classifier that the demo weights do not fit is pretrained instead.
            numbers: `epochs`, `batch_size`, `learning_rate` of the stage.
            recipe: one of `recipes.RECIPES`; "published" has `saliency_pretrain` train as the
                detector's authors did, with their loss.
            saliency_loss: L_S of every stage in which a detector learns; a recipe's own gives way.

        Raises:
            ValueError: if a value is out of its range, or contradicts the stage.
        """
        run = {name: value for name, value in run.items() if value is not None and name != "stages"}
        _check_flags(stage, run, saliency_loss)
        if "image_size" in run:
            run["short_side"] = round(run["image_size"] * self.short_side / self.image_size)
        other = any(
            run.get(n, getattr(self, n)) != getattr(self, n) for n in ("classifier", "width")
        )
        if other and self.classifier_weights == "demo" and "classifier_weights" not in run:
            run = {"classifier_weights": None, "pretrain_classifier": True} | run
        changed = dataclasses.replace(self, **run)._with_highest_rates()
        if recipe != "common":
            changed = changed._with_recipe(stage, recipe)
        if saliency_loss is not None:
            changed = changed._with_loss(saliency_loss)
        return changed._with_numbers(stage, numbers)

    def _with_highest_rates(self) -> "Config":
        """Keeps the demo's detector from rates at which networks of its kind die."""
        highest = _HIGHEST_DEMO_RATES.get(self.detector)
        if self.preset != "demo" or highest is None:
            return self
        capped = {
            name: dataclasses.replace(spec, optimizer=spec.optimizer.capped(highest))
            for name, spec in self.stages.items()
            if has_detector(name)
        }
        return dataclasses.replace(self, stages=self.stages | capped)

    def _with_recipe(self, stage: str, recipe: str) -> "Config":
        """Has `saliency_pretrain` train as the detector's authors did."""
        require(recipe in recipes.RECIPES, f"recipe is one of {recipes.RECIPES}", recipe)
        name = "saliency_pretrain"
        trained = has_detector(stage) and (stage == name or self.pretrain_detector)
        require(
            trained and name in self.stages,
            f"a published recipe is one of stage {name}, which this run does not make",
            f"--stage={stage} --recipe={recipe}",
        )
        chosen = recipes.published(self.detector)
        options = self.detector_options.get(self.detector, {}) | chosen.detector_options
        return dataclasses.replace(
            self,
            detector_options=self.detector_options | {self.detector: options},
            stages=self.stages | {name: recipes.apply(chosen, self.stages[name])},
        )

    def _with_loss(self, loss: str) -> "Config":
        """Gives every stage in which a detector learns another L_S."""
        stages = {
            name: dataclasses.replace(spec, saliency_loss=loss) if has_detector(name) else spec
            for name, spec in self.stages.items()
        }
        return dataclasses.replace(self, stages=stages)

    def _with_numbers(self, stage: str, numbers: dict) -> "Config":
        """Changes numbers of one stage; None stands for "not asked"."""
        numbers = {name: value for name, value in numbers.items() if value is not None}
        spec = self.stages.get(stage)
        if spec is None or not numbers:
            return self
        if "learning_rate" in numbers:
            rate = numbers.pop("learning_rate")
            optimizer = spec.optimizer.at_rate(rate)
            numbers["optimizer"] = optimizer
        stages = self.stages | {stage: dataclasses.replace(spec, **numbers)}
        return dataclasses.replace(self, stages=stages)

    def for_stage(self, stage: str) -> dict:
        """What decides the result of a stage, as plain types: what its folder is known by."""
        names = ["width", "seed", "precision", "max_steps"]
        parts = [
            part
            for part, in_name in (("detector", "saliency"), ("classifier", "classifier"))
            if stage == "joint" or in_name in stage
        ]
        for part in parts:
            names.append(part)
            if not stage.endswith("_pretrain"):
                names.append(f"pretrain_{part}")
            if stage != "classifier_pretrain" or self.classifier_weights != "demo":
                names.append(f"{part}_weights")
        if stage == "joint":
            names.append("alpha")
        everything = dataclasses.asdict(self)
        chosen = {name: everything[name] for name in names} | {"geometry": self.geometry(stage)}
        for part in parts:
            chosen[f"{part}_options"] = everything[f"{part}_options"].get(chosen[part], {})
        numbers = everything["stages"][stage]
        if not has_detector(stage):
            del numbers["saliency_loss"]
        return chosen | {"stage": numbers}


def _check_flags(stage: str, run: dict, saliency_loss: str | None) -> None:
    """Validates flags against the stage that was asked for."""
    for part, trained in (("detector", "saliency_pretrain"), ("classifier", "classifier_pretrain")):
        require(
            stage != trained or run.get(f"pretrain_{part}", True),
            f"stage {trained} cannot be trained with --nopretrain_{part}: leave one of them out",
            f"--stage={stage}",
        )
    require(
        stage == "joint" or "alpha" not in run,
        "alpha weighs the two errors of stage joint; the other stages have one error",
        f"--stage={stage} --alpha={run.get('alpha')}",
    )
    require(
        has_detector(stage) or saliency_loss is None,
        "a saliency loss is one of the stages in which a detector learns",
        f"--stage={stage} --saliency_loss={saliency_loss}",
    )


def sweep_values(
    texts: list[str] | None, stage: str, alpha: float | None
) -> tuple[float, ...] | None:
    """Reads the values of `--sweep_alpha`.

    Args:
        texts: as they stand on the command line, None where there is no such flag.
        stage: the stage asked for.
        alpha: the one alpha asked for, or None.

    Returns:
        The numbers, None where no sweep is asked for.

    Raises:
        ValueError: if one is no number, or the sweep contradicts the other flags.
    """
    if texts is None:
        return None
    written = f"--sweep_alpha={','.join(texts)}"
    require(
        stage == "joint",
        "a sweep of alpha trains stage joint; the other stages have one error",
        f"--stage={stage} {written}",
    )
    require(
        alpha is None,
        "a sweep of alpha names all its values: leave --alpha out",
        f"--alpha={alpha} {written}",
    )
    try:
        return tuple(float(text) for text in texts)
    except ValueError:
        raise ValueError(
            f"a sweep takes numbers, with commas between them; got {written}"
        ) from None


def _paper() -> Config:
    """Section 5.2, number by number; its words stand beside each."""
    sgd = Optimizer(
        "sgd",  # "mini-batch SGD optimization"
        momentum=0.9,  # "momentum: 0.9"
        weight_decay=((0, 5e-4),),  # "weight decay: 0.0005"
    )
    shared = {
        "batch_size": 16,  # "batch size: 16", "a batch size of 16"
        "crops": 5,  # "randomly extracting five 299x299 crops"
        "mirror": "both",  # "plus the corresponding horizontal flips"
        "epochs": 200,  # a ceiling of ours: "all models converged in 70-120 epochs"
        "patience": 10,  # "stopped training when both had not improved for 10 consecutive epochs"
    }
    finetune = dataclasses.replace(
        sgd,
        learning_rate=1e-3,  # "the learning rate was initialized to 0.001"
        inverse_decay=1e-5,  # "l/(1+10^-5 i), with l being the initial learning rate"
    )
    classifier = dataclasses.replace(
        finetune,
        # "0.05 for the untrained parameters, and [...] 0.001 for the others"
        untrained_multiplier=50.0,
    )
    stages = {
        "saliency_pretrain": Stage(
            "osie",  # "An initial pre-training stage was carried out on OSIE"
            dataclasses.replace(sgd, learning_rate=1e-5),  # "learning rate: 0.00001"
            **shared,
        ),
        "saliency": Stage("saldogs", finetune, **shared),  # "fine-tuned on SalDogs-train"
        "classifier_pretrain": Stage(
            "imagenet_without_dogs",  # "the de-duped version of ImageNet"
            dataclasses.replace(
                sgd,
                learning_rate=1e-2,
                # "going from 0.01 to 0.0001 over the first 53 epochs": the steps between are those
                # of soumith/imagenet-multiGPU.torch, whose regime has the same ends.
                steps=((0, 1e-2), (18, 5e-3), (29, 1e-3), (43, 5e-4), (52, 1e-4)),
                # "0.0005 up to the 30th epoch (and 0 afterwards)": that regime's epoch 30 has 0.
                weight_decay=((0, 5e-4), (29, 0.0)),
            ),
            **shared
            | {
                "epochs": 70,  # "We trained the model for 70 epochs"
                "patience": 70,  # to the end: only "the fine-tuning stages" stop early
                "batch_size": 32,  # "batch size 32"
            },
        ),
        "classifier_rgb": Stage("saldogs", classifier, **shared),  # "3 channels" of Table 5
        "classifier": Stage("saldogs", classifier, **shared),  # "fine-tuned [...] on SalDogs-train"
        "joint": Stage("saldogs", finetune, **shared),  # "a single initial learning rate of 0.001"
    }
    return Config(
        preset="paper",
        stages=stages,
        detector="vgg19",  # "initialized from a pre-trained VGG-19"
        detector_weights="imagenet",
        classifier="inception_v3",  # "a regular Inception network"
        width=1.0,
        image_size=299,  # "five 299x299 crops"
        short_side=340,  # "rescaling each image [...] to 340 pixels on the short side"
        alpha=0.2,  # "The alpha value in Eq. 1 [...] was set to 0.2"
    )


def _demo() -> Config:
    """Small networks on rendered pictures: minutes on two CPU cores."""
    adam = Optimizer("adam", learning_rate=1e-3, weight_decay=((0, 0.0),))
    detector = dataclasses.replace(adam, learning_rate=7e-4)
    # The validation error rose in a fourth epoch at the full rate.
    finer = dataclasses.replace(detector, steps=((0, 7e-4), (3, 2e-4)))
    joint = dataclasses.replace(adam, learning_rate=2e-4)
    twin = dataclasses.replace(adam, steps=((0, 1e-3), (2, 2e-4)))
    critters = {"crops": 1, "mirror": "random", "batch_size": 16}
    stages = {
        "saliency_pretrain": Stage("gaze_critters/free_viewing", detector, epochs=1, **critters),
        "saliency": Stage("gaze_critters/task", finer, epochs=4, **critters),
        "classifier_pretrain": Stage(
            "gaze_critters/pretrain",
            dataclasses.replace(adam, steps=((0, 3e-3), (8, 1e-3))),
            epochs=11,
            geometry=(100, 112),  # close-ups: the parts are about as large as in the demo
            **(critters | {"batch_size": 32}),
        ),
        # The twin learns for as many epochs as `classifier` and `joint` together, at their rates.
        "classifier_rgb": Stage("gaze_critters/task", twin, epochs=3, **critters),
        "classifier": Stage("gaze_critters/task", adam, epochs=2, **critters),
        "joint": Stage("gaze_critters/task", joint, epochs=1, **critters),
    }
    return Config(
        preset="demo",
        width=0.125,
        image_size=196,  # about the smallest that still gives 7x7 cells
        short_side=223,
        classifier_weights="demo",
        pretrain_classifier=False,
        classifier_options={
            # Their own shares, 0.99 to 0.9997, change little in as few steps as the demo has.
            **dict.fromkeys(_NORMALISED, {"bn_momentum": 0.95}),
            # A map of full deviation would drown the four stem channels that know colours already.
            "inception_v3": {"bn_momentum": 0.95, "saliency_spread": 0.2},
            # Likewise: a fifth of the deviation of pixels, which a VGG reads as they are.
            **dict.fromkeys(("vgg16", "vgg19"), {"top": "pool", "saliency_spread": 11.4}),
        },
        stages=stages,
    )


def _demo_on_osie(config: Config) -> Config:
    """Free viewing of real photographs: a wider detector, trained from random weights."""
    optimizer = Optimizer("adam", steps=((0, 3e-4), (4, 1e-4)), weight_decay=((0, 0.0),))
    stage = Stage("osie", optimizer, 5, batch_size=8, crops=1, mirror="both")
    return dataclasses.replace(
        config,
        width=0.25,
        image_size=299,
        short_side=340,
        stages={"saliency_pretrain": stage},  # the set has no classes
    )


def _demo_on_cub_gha(config: Config) -> Config:
    """Gaze of people telling birds apart: full-width networks, warm-started by the user.

    Only the fifth block and what is new learns: that is what a CPU can afford, and 420 images too.
    """
    detector = Optimizer("adam", steps=((0, 1e-4), (3, 3e-5)), weight_decay=((0, 0.0),))
    # Trained features tell birds apart as they are; the fifth block moves little, the rest fast.
    classifier = Optimizer("adam", 1e-5, weight_decay=((0, 0.0),), untrained_multiplier=30.0)
    joint = dataclasses.replace(detector, learning_rate=3e-5, steps=())
    # 420 images are too few to give some away for validation, so the epochs are fixed.
    birds = Stage(
        "cub_gha", batch_size=8, crops=1, mirror="random", patience=100, validation_share=0.0
    )
    lower, lower_but_first = r"block[1-4]_", r"block(1_conv2|[2-4]_)"  # the first reads the map
    detectors = rf"(coarse_)?{lower}"  # SALICON has two trunks
    stages = {
        "saliency": (detector, 4, detectors),
        "classifier_rgb": (classifier, 4, lower),
        "classifier": (classifier, 3, lower_but_first),
        "joint": (joint, 1, detectors),
    }
    stages = {
        name: dataclasses.replace(birds, optimizer=optimizer, epochs=epochs, frozen=frozen)
        for name, (optimizer, epochs, frozen) in stages.items()
    }
    return dataclasses.replace(
        config,
        detector="vgg16",
        classifier="vgg16",
        width=1.0,
        image_size=224,
        short_side=255,
        pretrain_detector=False,
        classifier_weights=None,
        stages=config.stages | stages,
    )


#: what the demo preset changes for a data set of real gaze
_DEMO_RECIPES = {"osie": _demo_on_osie, "cub_gha": _demo_on_cub_gha}


def default_workdir(preset: str, dataset: str | None, manual_dir: str | None) -> str:
    """Returns the folder of a run that names none, `runs/<preset>[-<dataset>[-<study>]]`.

    Args:
        preset: one of `PRESETS`.
        dataset: see `build_config`.
        manual_dir: folder of original files. Of `gaze_folder` it is the study: every study is a
            set of its own by one name.
    """
    parts = [preset, dataset]
    if dataset == "gaze_folder" and manual_dir:
        parts.append(pathlib.Path(manual_dir).resolve().name)
    return "runs/" + "-".join(filter(None, parts)).replace("/", "-")


def build_config(preset: str = "demo", dataset: str | None = None) -> Config:
    """Returns a preset, fitted to a data set.

    Args:
        preset: "demo" (small networks, minutes on two CPU cores) or "paper" (Sec. 5.2).
        dataset: TFDS name of the set with gaze that replaces the preset's own. In the demo `osie`
            and `cub_gha` bring their own recipe; any other set takes the place of the task's.

    Returns:
        The configuration.

    Raises:
        ValueError: for a preset that is not there; the message lists those that are.
    """
    if preset not in PRESETS:
        raise ValueError(f"unknown preset {preset!r}; choose one of {', '.join(PRESETS)}")
    config = _demo() if preset == "demo" else _paper()
    if dataset is None:
        return config
    if preset == "demo" and dataset in _DEMO_RECIPES:
        return _DEMO_RECIPES[dataset](config)
    own = ("saliency", "classifier_rgb", "classifier", "joint")
    replaced = {name: dataclasses.replace(config.stages[name], dataset=dataset) for name in own}
    return dataclasses.replace(config, stages=config.stages | replaced)
