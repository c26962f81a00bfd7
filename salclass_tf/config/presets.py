"""The presets: the paper's numbers, the demo's, and what the demo changes for sets of real gaze."""

import dataclasses
import pathlib

from salclass_tf import spelling
from salclass_tf.config.config import Config
from salclass_tf.config.optimizer import Optimizer
from salclass_tf.config.stage import ROLES, Stage

PRESETS = ("demo", "paper")

# Networks of `keras.applications` with batch normalisation that have no other options in the demo.
_NORMALISED = (
    "densenet121 densenet169 densenet201 efficientnet_b0 efficientnet_b1 efficientnet_b2 "
    "efficientnet_b3 efficientnet_b4 efficientnet_b5 efficientnet_b6 efficientnet_b7 "
    "efficientnet_v2_b0 efficientnet_v2_b1 efficientnet_v2_b2 efficientnet_v2_b3 "
    "efficientnet_v2_l efficientnet_v2_m efficientnet_v2_s inception_resnet_v2 mobilenet "
    "mobilenet_v2 mobilenet_v3_large mobilenet_v3_small nasnet_large nasnet_mobile resnet101 "
    "resnet101_v2 resnet152 resnet152_v2 resnet50 resnet50_v2 xception"
).split()


def _with_twins(classifier: Stage, joint: Stage) -> dict[str, Stage]:
    """The stages that are compared: RGB alone shares the schedules of both stages with maps."""
    return {
        "classifier_rgb": classifier,
        "classifier": classifier,
        "classifier_rgb_longer": joint,
        "joint": joint,
    }


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
        **_with_twins(
            # "3 channels" of Table 5 and its variants: "fine-tuned [...] on SalDogs-train"
            Stage("saldogs", classifier, **shared),
            # "a single initial learning rate of 0.001"
            Stage("saldogs", finetune, **shared),
        ),
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
        **_with_twins(
            Stage("gaze_critters/task", adam, epochs=2, **critters),
            Stage("gaze_critters/task", joint, epochs=1, **critters),
        ),
    }
    return Config(
        preset="demo",
        width=0.125,
        image_size=196,  # about the smallest that still gives 7x7 cells
        short_side=223,
        classifier_weights="demo",
        pretrain_classifier=False,
        fit_statistics=True,  # 60 steps an epoch at these rates: running means are of other weights
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

    Only the fifth block and the new layers learn: more is too slow on a CPU, and too much for 420
    images.
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
    with_maps = dataclasses.replace(birds, optimizer=classifier, epochs=3, frozen=lower_but_first)
    together = dataclasses.replace(birds, optimizer=joint, epochs=1, frozen=detectors)
    stages = {
        "saliency": dataclasses.replace(birds, optimizer=detector, epochs=4, frozen=detectors),
        **_with_twins(with_maps, together),
        "classifier_rgb": dataclasses.replace(with_maps, frozen=lower),
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
_DEMO_SETTINGS = {"osie": _demo_on_osie, "cub_gha": _demo_on_cub_gha}


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


def build_config(
    preset: str = "demo", dataset: str | None = None, stage: str | None = None
) -> Config:
    """Returns a preset, fitted to a data set.

    Args:
        preset: "demo" (small networks, minutes on two CPU cores) or "paper" (Sec. 5.2).
        dataset: TFDS name of the set with gaze that replaces the preset's own. In the demo `osie`
            and `cub_gha` bring settings of their own; any other set replaces the task's.
        stage: the stage that is asked for. It learns from `dataset`, also where it is one of
            pretraining, which otherwise keeps a set of its own.

    Returns:
        The configuration.

    Raises:
        ValueError: for a preset that is not there; the message lists those that are.
    """
    if preset not in PRESETS:
        raise ValueError(
            f"{spelling.unknown('preset', preset, PRESETS)}; choose one of {', '.join(PRESETS)}"
        )
    config = _demo() if preset == "demo" else _paper()
    if dataset is None:
        return config
    if preset == "demo" and dataset in _DEMO_SETTINGS:
        config = _DEMO_SETTINGS[dataset](config)
    stages = {
        name: dataclasses.replace(spec, dataset=dataset)
        if name == stage or not ROLES[name].own_dataset
        else spec
        for name, spec in config.stages.items()
    }
    return dataclasses.replace(config, stages=stages)
