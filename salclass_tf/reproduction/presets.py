"""The steps of each preset: the paper's Tables 4, 5 and 6 and Figs. 3 to 5."""

import dataclasses

from salclass_tf.config import PRESETS, Config, build_config
from salclass_tf.reproduction.steps import (
    Claim,
    Draw,
    Plan,
    Prepare,
    Release,
    Step,
    Sweep,
    Tables,
    Train,
)

#: weights of the class error for Fig. 4
ALPHAS = (0.0, 0.05, 0.1, 0.2, 0.5, 1.0)

# What the paper says of its Table 4, 5 and 6.
_MAP_CLAIMS = (
    Claim("SalClassNet", "Fine-tuned SALICON"),
    Claim("SalClassNet", "Fine-tuned SalNet"),
    Claim("Fine-tuned SALICON", "SALICON"),
    Claim("Fine-tuned SalNet", "SalNet"),
)
_CLASS_CLAIMS = (
    Claim("Inception (4 channels) + ground truth saliency maps", "Inception (3 channels)"),
    Claim("SalClassNet", "Inception (4 channels) + ground truth saliency maps"),
    Claim("SalClassNet", "Inception (3 channels)"),
    Claim("VGG (4 channels) + ground truth saliency maps", "VGG (3 channels)"),
    Claim("SalClassNet (VGG)", "VGG (4 channels) + ground truth saliency maps"),
    Claim("SalClassNet (VGG)", "VGG (3 channels)"),
)
_TRANSFER_CLAIMS = (Claim("SalClassNet", "Inception"), Claim("Inception", "VGG"))

_CLASSIFIERS = (
    ("SalClassNet", "salclassnet/joint"),
    ("Inception (4 channels) + ground truth saliency maps", "salclassnet/classifier"),
    ("Inception (3 channels)", "salclassnet/classifier_rgb"),
    ("SalClassNet (VGG)", "salclassnet_vgg/joint"),
    ("VGG (4 channels) + ground truth saliency maps", "salclassnet_vgg/classifier"),
    ("VGG (3 channels)", "salclassnet_vgg/classifier_rgb"),
)
_BEFORE = ("SalClassNet's detector before joint training", "salclassnet/saliency")
_FINE_TUNED = (
    ("Fine-tuned SALICON", "salicon/saliency"),
    ("Fine-tuned SalNet", "salnet/saliency"),
)

_DEMO_STANDS_FOR = """\
Everything here is **rendered pictures with simulated gaze** (`gaze_critters`), networks of an
eighth of the width, one to eight epochs and one seed: it shows that the code runs through the
paper's experiments and how the numbers lie to each other. It says nothing about people, and levels
cannot be compared with the paper's.

| in the paper | here |
|---|---|
| SalDogs | `gaze_critters/task`: 12 classes, gaze of viewers who tell the class |
| OSIE; POET, SalBirds, SalFlowers | `gaze_critters/free_viewing`: 18 other classes, free viewing |
| ImageNet without dogs | `gaze_critters/pretrain`: close-ups of parts of other classes |
| SalNet and SALICON as released | the same networks, trained on `gaze_critters/free_viewing` |
| CUB-200-2011 and Oxford Flower 102, Table 6 | `gaze_critters/free_viewing` |
"""

_PAPER_STANDS_FOR = """\
The paper's networks, data sets and settings (Sec. 5.2); what it leaves open is decided as
docs/reproduction.md says.
"""


def build_plan(preset: str, max_steps: int | None = None) -> Plan:
    """Returns the steps of a preset.

    Args:
        preset: "demo" (embedded data, reduced width) or "paper" (Sec. 5).
        max_steps: maximum number of steps of each stage of training, for a try-out; or None.

    Raises:
        ValueError: for a preset that is not there.
    """
    if preset not in PRESETS:
        raise ValueError(f"unknown preset {preset!r}; choose one of {', '.join(PRESETS)}")
    return {"demo": _demo, "paper": _paper}[preset](max_steps)


def _demo(max_steps: int | None) -> Plan:
    """Rendered pictures with simulated gaze."""
    config = dataclasses.replace(build_config("demo"), max_steps=max_steps)
    # Nothing normalises the features of a VGG: at Inception's rate it learns nothing.
    vgg = config.override(
        "classifier_pretrain", {"classifier": "vgg19"}, {"learning_rate": 5e-4, "epochs": 8}
    )
    released = (
        ("SALICON", "salicon/saliency_pretrain"),
        ("SalNet", "salnet/saliency_pretrain"),
    )
    task, other = "gaze_critters/task", "gaze_critters/free_viewing"
    steps = (
        Step("data sets", Prepare((other, task, "gaze_critters/pretrain")), minutes=3),
        *_networks(config, vgg, _with(config, "salnet"), _with(config, "salicon")),
        *_results(released, (task, other), (other,), ("SALICON", "SalNet")),
    )
    return Plan("demo", _timed(steps), _DEMO_STANDS_FOR, max_steps)


def _paper(max_steps: int | None) -> Plan:
    """Sections 5.2 to 5.4."""
    config = dataclasses.replace(build_config("paper"), max_steps=max_steps)
    vgg = config.override("classifier_pretrain", {"classifier": "vgg19"}, {})
    salnet, salicon = (
        config.override(
            "saliency",
            {"detector": name, "detector_weights": "released", "pretrain_detector": False},
            {},
        )
        for name in ("salnet", "salicon")
    )
    released = (("SALICON", "released/salicon.keras"), ("SalNet", "released/salnet.keras"))
    others, birds_and_flowers = (
        ("poet", "salbirds", "salflowers"),
        ("caltech_birds2011", "oxford_flowers102"),
    )
    # What takes no time comes first, and ImageNet, which takes hours, last.
    needed = ("saldogs", *others, *birds_and_flowers, "osie", "imagenet_without_dogs")
    networks, loading = _networks(config, vgg, salnet, salicon), "released detectors"
    steps = (
        Step("data sets", Prepare(needed)),
        Step(loading, Release(("salicon", "salnet"), config), ("data sets",)),
        *networks,
        *_results(released, ("saldogs", *others), birds_and_flowers, (loading,)),
    )
    return Plan("paper", steps, _PAPER_STANDS_FOR, max_steps)


def _with(config: Config, detector: str) -> Config:
    """The configuration with another detector."""
    return config.override("saliency", {"detector": detector}, {})


def _networks(config: Config, vgg: Config, salnet: Config, salicon: Config) -> tuple[Step, ...]:
    """Everything that is trained."""
    data = ("data sets",)
    detector = tuple(
        ("salclassnet", name) for name in ("saliency_pretrain", "saliency") if name in config.stages
    )
    return (
        Step("SalClassNet", Train("salclassnet", "joint", config), data),
        Step("SALICON", Train("salicon", "saliency", salicon), data),
        Step("SalNet", Train("salnet", "saliency", salnet), data),
        Step("VGG, pretrained", Train("salclassnet_vgg", "classifier_pretrain", vgg), data),
        Step(
            "SalClassNet (VGG)",
            Train("salclassnet_vgg", "joint", vgg, detector),
            ("SalClassNet", "VGG, pretrained"),
        ),
        Step("sweep of alpha", Sweep("salclassnet", config, ALPHAS), ("SalClassNet",)),
    )


def _results(
    released: tuple[tuple[str, str], ...],
    gaze: tuple[str, ...],
    others: tuple[str, ...],
    releasing: tuple[str, ...],
) -> tuple[Step, ...]:
    """Tables and figures.

    Args:
        released: detectors of Table 4 that have not seen the task's gaze.
        gaze: data sets of Tables 4 and 5, the task's first.
        others: data sets of Table 6.
        releasing: names of the steps that make `released`.
    """
    mapping = (_CLASSIFIERS[0], *_FINE_TUNED, *released, _BEFORE)
    run = (("SalClassNet", "salclassnet"),)
    detectors = tuple(dict.fromkeys(("SalClassNet", "SALICON", "SalNet", *releasing)))
    classifiers = ("SalClassNet", "SalClassNet (VGG)")
    in_order = tuple(sorted(released + _FINE_TUNED, key=lambda pair: "Fine" in pair[0]))
    transferred = (
        ("SalClassNet", "salclassnet/joint"),
        ("Inception", "salclassnet/classifier_rgb"),
        ("VGG", "salclassnet_vgg/classifier_rgb"),
    )
    return (
        Step("Table 4", Tables((4,), mapping, gaze, _MAP_CLAIMS, "table4"), detectors),
        Step("Table 5", Tables((5,), _CLASSIFIERS, gaze[:1], _CLASS_CLAIMS, "table5"), classifiers),
        Step("Table 6", Tables((6,), transferred, others, _TRANSFER_CLAIMS, "table6"), classifiers),
        Step("Fig. 3", Draw("3", run, gaze[:1]), ("SalClassNet",)),
        Step("Fig. 4", Draw("4", run, gaze[:1]), ("sweep of alpha",)),
        Step("Fig. 5", Draw("5", (*in_order, _CLASSIFIERS[0]), gaze[:1]), detectors),
    )


# Minutes on two slow cores, from nothing.
_DEMO_MINUTES = {
    "SalClassNet": 8,
    "SALICON": 4,
    "SalNet": 9,
    "VGG, pretrained": 9,
    "SalClassNet (VGG)": 6,
    "sweep of alpha": 9,
    "Table 4": 7,
    "Table 5": 3,
    "Table 6": 2,
    "Fig. 3": 1,
    "Fig. 4": 0.5,
    "Fig. 5": 1,
}


def _timed(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps of the demo with their times."""
    return tuple(
        dataclasses.replace(step, minutes=step.minutes or _DEMO_MINUTES[step.name])
        for step in steps
    )
