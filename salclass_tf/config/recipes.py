"""How each detector's authors trained it: what `--recipe=published` makes of `saliency_pretrain`.

A recipe takes the stage's optimizer, loss and length, and leaves it its data. Rates are turned to
our losses, which are means over pixels of maps in [0, 1], where the authors' differ; the factor
stands beside the number. What is not published is ours and is listed as such in `ours`.
"""

import dataclasses
import logging

from salclass_tf.config.optimizer import Optimizer
from salclass_tf.config.stage import Stage

RECIPES = ("common", "published")

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A published training recipe; see `Stage` for the fields that are not explained here.

    Attributes:
        source: who published it.
        optimizer: its rates, turned to our losses.
        saliency_loss: L_S.
        batch_size: images in a batch.
        epochs: maximum number of epochs.
        ours: what nobody has published, by the names of fields.
        crops: random crops per image and epoch.
        mirror: which of them are mirrored.
        patience: epochs without improvement before it stops; None trains to the end.
        frozen: layers that do not learn.
        iterations: maximum number of steps.
        detector_options: more arguments of `build_detector`.
    """

    source: str
    optimizer: Optimizer
    saliency_loss: str
    batch_size: int
    epochs: int
    ours: tuple[str, ...] = ()
    crops: int = 1
    mirror: str = "none"
    patience: int | None = None
    frozen: str = ""
    iterations: int | None = None
    detector_options: dict = dataclasses.field(default_factory=dict)


_NO_DECAY = ((0, 0.0),)

# Caffe's Euclidean loss is half the sum over the pixels of 320x240 maps, and SalNet's maps are gray
# values (g - 127) / 128 where ours are g / 255.
_SALNET_SCALE = 320 * 240 / 2 * (255 / 128) ** 2

# JuntingNet's maps lie in [-1, 1]: twice the difference, four times the square.
_JUNTING_SCALE = 4

# Caffe's cross-entropy is a sum over the cells of a 38x50 map; the decay goes the other way.
_SALICON_CELLS = 38 * 50

# Far more than `iterations` take on any data set.
_UNTIL_ITERATIONS = 10_000

_SECTION_5_2 = Recipe(
    source="Murabito et al. (2018), Sec. 5.2",
    optimizer=Optimizer(learning_rate=1e-5, momentum=0.9, weight_decay=((0, 5e-4),)),
    saliency_loss="mse",
    batch_size=16,
    crops=5,
    mirror="both",
    patience=10,
    epochs=200,
    ours=("epochs",),  # early stopping ends it
)

_PUBLISHED = {
    "vgg16": _SECTION_5_2,
    "vgg19": _SECTION_5_2,
    "salnet": Recipe(
        source="Pan et al. (CVPR 2016); halving and decay as in an unofficial port",
        optimizer=Optimizer(
            learning_rate=1.3e-7 * _SALNET_SCALE,
            # The paper's "every 100 iterations" would end all learning long before 24 000.
            staircase=(2000, 0.5),
            momentum=0.9,
            weight_decay=((0, 5e-7),),
        ),
        saliency_loss="mse",
        batch_size=2,
        iterations=24_000,
        epochs=_UNTIL_ITERATIONS,
    ),
    "junting": Recipe(
        source="Pan et al. (CVPR 2016), shallow/train.py of the authors",
        optimizer=Optimizer(
            learning_rate=0.05 * _JUNTING_SCALE,
            final_learning_rate=1e-4 * _JUNTING_SCALE,
            momentum=0.9,
            final_momentum=0.999,
            nesterov=True,
            weight_decay=_NO_DECAY,
        ),
        saliency_loss="mse",
        batch_size=128,
        mirror="random",  # "half of each batch flipped"
        epochs=1200,
    ),
    "salicon": Recipe(
        source="OpenSALICON (Thomas, 2016), the SGD variant of its solver",
        optimizer=Optimizer(
            learning_rate=1e-6 * _SALICON_CELLS,
            staircase=(4000, 0.1),
            momentum=0.9,
            weight_decay=((0, 5e-4 / _SALICON_CELLS),),  # there not on biases
            bias_multiplier=2.0,
        ),
        saliency_loss="cross_entropy",
        batch_size=1,
        frozen=r"(coarse_)?block[12]_",
        iterations=12_000,  # three of its steps; the authors stop by the clock
        epochs=_UNTIL_ITERATIONS,
        ours=("iterations",),
    ),
    "ml_net": Recipe(
        source="Cornia et al. (ICPR 2016), main.py and model.py of the authors",
        optimizer=Optimizer(
            learning_rate=1e-3,
            inverse_decay=5e-4,
            momentum=0.9,
            nesterov=True,
            weight_decay=_NO_DECAY,
        ),
        saliency_loss="weighted_error",
        batch_size=10,
        patience=5,
        epochs=20,
        detector_options={"prior_decay": 1 / 48},
    ),
    "deep_fix": Recipe(
        source="Kruthiventi et al. (2015); numbers as in Murabito et al., Sec. 5.2",
        optimizer=Optimizer(learning_rate=1e-5, momentum=0.9, weight_decay=((0, 5e-4),)),
        saliency_loss="mse",  # the Euclidean loss, but for a factor
        batch_size=16,
        epochs=20,
        ours=("optimizer", "batch_size", "epochs"),
    ),
    "deep_gaze": Recipe(
        source="Kümmerer et al. (2014): SFO; Adam as in the PyTorch port",
        optimizer=Optimizer("adam", learning_rate=1e-3, weight_decay=_NO_DECAY),
        saliency_loss="log_likelihood",
        batch_size=16,
        epochs=20,
        ours=("learning_rate", "batch_size", "epochs"),
    ),
    "deep_gaze_2": Recipe(
        source="Kümmerer et al. (2016): SFO; Adam as in the PyTorch port of DeepGaze I",
        optimizer=Optimizer("adam", learning_rate=1e-3, weight_decay=_NO_DECAY),
        saliency_loss="log_likelihood",
        batch_size=16,
        epochs=20,
        ours=("learning_rate", "batch_size", "epochs"),
    ),
    "pdp": Recipe(
        source="Jetley et al. (CVPR 2016): SGD, the best of their losses",
        optimizer=Optimizer(learning_rate=1e-3, momentum=0.9, weight_decay=((0, 5e-4),)),
        saliency_loss="bhattacharyya",
        batch_size=16,
        epochs=20,
        ours=("learning_rate", "momentum", "weight_decay", "batch_size", "epochs"),
    ),
    "msi_net": Recipe(
        source="Kroner et al. (2020), repository alexanderkroner/saliency",
        optimizer=Optimizer("adam", learning_rate=1e-5, weight_decay=_NO_DECAY),
        saliency_loss="kl",
        batch_size=1,
        epochs=10,
    ),
}


def list_published() -> list[str]:
    """Returns the detectors that have a published recipe."""
    return sorted(_PUBLISHED)


def published(detector: str) -> Recipe:
    """Returns how a detector's authors trained it.

    Args:
        detector: one of `list_published()`.

    Raises:
        ValueError: for a detector without one; the message lists those that have one.
    """
    if detector == "edn":
        raise ValueError(
            "detector edn was fitted by a search and a linear classifier, not trained in steps: "
            "its recipe is salclass_tf.detectors.edn_search.fit; --recipe=common trains its readout"
        )
    if detector not in _PUBLISHED:
        raise ValueError(
            f"detector {detector!r} has no published recipe; {', '.join(list_published())} have one"
        )
    return _PUBLISHED[detector]


def apply(recipe: Recipe, stage: Stage) -> Stage:
    """Returns a stage that trains by a recipe, on the stage's own data."""
    ours = f"; ours: {', '.join(recipe.ours)}" if recipe.ours else ""
    _log.info("recipe: %s%s", recipe.source, ours)
    fields = {f.name for f in dataclasses.fields(Recipe)} & {
        f.name for f in dataclasses.fields(Stage)
    }
    numbers = {name: getattr(recipe, name) for name in fields}
    return dataclasses.replace(stage, **numbers | {"patience": recipe.patience or recipe.epochs})
