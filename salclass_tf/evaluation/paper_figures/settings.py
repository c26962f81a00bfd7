"""What to draw, checked before anything is computed."""

import dataclasses
import pathlib

from salclass_tf.evaluation.methods import lineup
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet
from salclass_tf.evaluation.methods.lineup import Lineup
from salclass_tf.evaluation.paper_figures import picking

#: what can be drawn: numbers of the paper's figures, the picture that is its Table 7, maps over
#: their images, and which classes are taken for which
FIGURES = ("3", "4", "5", "6", "7", "overlays", "confusion")

#: ways of choosing images
CHANGED, RANDOM = "changed", "random"


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to draw.

    Attributes:
        figures: some of `FIGURES`.
        models: see `find.find`; Figs. 3 and 4 take runs, 7 what classifies.
        datasets: TFDS names; empty for those that the models were trained on.
        images: how many images a picture shows; of Fig. 7 how many of each set for a feature map.
        pick: `CHANGED` (Fig. 3 alone: where the map changed most), `RANDOM`, or names of images;
            () is `CHANGED` for Fig. 3 and `RANDOM` for the others.
        seed: of the random choice.
        layers: of Fig. 7, names; () for some that are spread over the depth of each network.
        channels: of Fig. 7, numbers from 0, of one layer ("mixed7:5") or of all ("5"); () for those
            that vary most.
        split: TFDS split or slice; None for the test part of each set.
        data_dir: where prepared data sets live, None for TFDS' own place.
        manual_dir: folder of original files, for sets that are not downloaded.
        output: folder of the pictures.
        map_kind: what the numbers in folders of maps are, one of `map_kinds.KINDS`.
        gradcam: whether Figs. 5, 6 and overlays show Grad-CAM maps of Keras classifiers too.
        view: of Figs. 5, 6 and overlays, what of the images is shown, see `lineup.open_all`.

    Raises:
        ValueError: for an unknown figure, a number of images below 1, and settings of another
            figure.
    """

    figures: tuple[str, ...]
    models: tuple[str, ...]
    datasets: tuple[str, ...] = ()
    images: int = 6
    pick: tuple[str, ...] = ()
    seed: int = 0
    layers: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    split: str | None = None
    data_dir: str | None = None
    manual_dir: str | None = None
    output: pathlib.Path = pathlib.Path("runs/evaluation")
    map_kind: str = "auto"
    gradcam: bool = False
    view: str | None = None

    def __post_init__(self) -> None:
        """Validates the values."""
        unknown = [name for name in self.figures if name not in FIGURES]
        if unknown or not self.figures:
            got = repr(unknown[0]) if unknown else "none"
            raise ValueError(f"figures are some of {', '.join(FIGURES)}; got {got}")
        if self.images < 1:
            raise ValueError(f"a picture shows at least 1 image; got {self.images}")
        if CHANGED in self.pick and set(self.figures) - {"3", "4"}:
            raise ValueError(
                f"only Fig. 3 knows what changed; with --pick={CHANGED} ask for --figure=3 alone"
            )
        if (self.layers or self.channels) and "7" not in self.figures:
            raise ValueError(
                "layers and channels are those of Fig. 7; ask for --figure=7 or leave out --layers "
                "and --channels"
            )

    def open(self, models: tuple[str, ...] | None = None) -> Lineup:
        """Opens the methods, those of `models` alone if given, and the sets."""
        gradcam = self.gradcam and models is None
        models = self.models if models is None else models
        return lineup.open_all(
            models,
            self.datasets,
            self.split,
            self.data_dir,
            self.manual_dir,
            self.map_kind,
            gradcam,
            self.view,
        )

    def chosen(self, dataset: EvaluatedSet) -> tuple[list[str], str]:
        """Returns the names of the images to show, and how they were chosen."""
        if self.pick and set(self.pick) != {RANDOM}:
            return list(self.pick), "chosen images"
        names = picking.draw(dataset, self.images, self.seed)
        return names, f"{len(names)} images drawn at random (seed {self.seed})"
