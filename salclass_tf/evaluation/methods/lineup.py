"""What is evaluated on what: the methods that a user names, the data sets, opened and checked."""

import dataclasses
import functools
import itertools
from collections.abc import Sequence

from salclass_tf.data.geometry import CROP, VIEWS, WHOLE, Geometry
from salclass_tf.data.sets import GazeSet
from salclass_tf.evaluation.methods import evaluated_sets, explanations, find
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet, without_version
from salclass_tf.evaluation.methods.method import SALIENCY, Method


@dataclasses.dataclass(frozen=True, eq=False)
class Lineup:
    """Methods and data sets.

    Attributes:
        methods: in the order in which they were named.
        sets: prepared sets, each with the split to evaluate.
        view: what of the images maps are scored on, of all methods alike; one of
            `geometry.VIEWS`.
    """

    methods: tuple[Method, ...]
    sets: tuple[tuple[GazeSet, str], ...]
    view: str

    @property
    def geometries(self) -> list[Geometry]:
        """The crops that maps are compared on; the first ones serve all that have none."""
        chosen = [m.geometry for m in self.methods if m.geometry and SALIENCY in m.gives]
        chosen = chosen or [m.geometry for m in self.methods if m.geometry][:1]
        return list(dict.fromkeys(chosen)) or [Geometry()]

    def map_givers(self) -> list[Method]:
        """Returns the methods that give maps.

        Raises:
            ValueError: if there is none.
        """
        givers = [method for method in self.methods if SALIENCY in method.gives]
        if not givers:
            raise ValueError("no model gives maps; name one that does with --model")
        return givers

    @functools.cached_property
    def _views(self) -> dict[tuple[str, str, Geometry | None], EvaluatedSet]:
        return {}

    def scored(self, opened: tuple[GazeSet, str], geometry: Geometry | None) -> EvaluatedSet:
        """Returns one of `sets` in the view that maps are scored in; see `crops`."""
        return self.crops(opened, geometry) if self.view == CROP else self._seen(opened, None)

    def crops(self, opened: tuple[GazeSet, str], geometry: Geometry | None) -> EvaluatedSet:
        """Returns the crops of one of `sets`; the same object again for the same geometry.

        Args:
            opened: one of `sets`.
            geometry: of a method; None for the first of `geometries`.
        """
        return self._seen(opened, geometry or self.geometries[0])

    def _seen(self, opened: tuple[GazeSet, str], geometry: Geometry | None) -> EvaluatedSet:
        key = (opened[0].name, opened[1], geometry)
        if key not in self._views:
            self._views[key] = EvaluatedSet(*opened, geometry)
        return self._views[key]


def open_all(
    models: Sequence[str],
    names: Sequence[str] = (),
    split: str | None = None,
    data_dir: str | None = None,
    manual_dir: str | None = None,
    map_kind: str = "auto",
    gradcam: bool = False,
    view: str | None = None,
) -> Lineup:
    """Finds and opens everything before anything is computed.

    Args:
        models: see `find.find`.
        names: of data sets, TFDS; empty for those that the models were trained on, of a run that of
            its last stage.
        split: TFDS split or slice; None for the test part of each set.
        data_dir: where prepared data sets live, None for TFDS' own place.
        manual_dir: folder of original files, for sets that are not downloaded.
        map_kind: see `find.find`.
        gradcam: whether Grad-CAM maps of the classifiers stand beside them.
        view: what maps are scored on; None for the crop that they were trained on where networks
            alone are compared, as in the paper, and for whole images as soon as maps of other
            programs are among them.

    Raises:
        ValueError: if a model or a set is not there, no set or view is known.
    """
    if view not in (None, *VIEWS):
        raise ValueError(f"a view is one of {', '.join(VIEWS)}; got {view!r}")
    by_model = [find.find(text, map_kind) for text in models]
    _check_families(models, by_model)
    # Of a run the last stage comes first: what its pretraining learned from was not asked for.
    known = [next((m.trained_on for m in named if m.trained_on), None) for named in by_model]
    wanted = tuple(names) or tuple(filter(None, dict.fromkeys(known)))
    if not wanted:
        raise ValueError("nothing tells what the models were trained on; name a --dataset")
    opened = [_open(name, split, data_dir, manual_dir) for name in dict.fromkeys(wanted)]
    methods = list(itertools.chain.from_iterable(by_model))
    if gradcam:
        methods = explanations.beside(methods, {without_version(name) for name in wanted})
    return Lineup(tuple(methods), tuple(opened), view or _usual_view(methods))


def _check_families(models: Sequence[str], by_model: Sequence[Sequence[Method]]) -> None:
    """Refuses seeds of several places that would be taken for seeds of one network."""
    first: dict[str, str] = {}
    for text, methods in zip(models, by_model, strict=True):
        families = dict.fromkeys(method.family for method in methods if method.family)
        for family in families:
            if family in first:
                raise ValueError(
                    f"{first[family]} and {text} both hold seeds of {family}, which would be taken "
                    "for one network's: give each --model a NAME= of its own, "
                    f"--model=NAME={find.split(text)[1]}"
                )
        first |= dict.fromkeys(families, text)


def _usual_view(methods: Sequence[Method]) -> str:
    """The view in which methods are compared if nobody says more."""
    givers = [method for method in methods if SALIENCY in method.gives]
    return CROP if givers and all(method.geometry for method in givers) else WHOLE


def _open(
    name: str, split: str | None, data_dir: str | None, manual_dir: str | None
) -> tuple[GazeSet, str]:
    """A set and the split to evaluate."""
    gaze_set = evaluated_sets.open_evaluated(name, data_dir, manual_dir)
    split = split or gaze_set.split("test")
    try:
        known = split is not None and gaze_set.size(split) > 0
    except (KeyError, ValueError):
        known = False
    if not known:
        raise ValueError(
            f"data set {name} has no {split or 'test part with gaze'}; name one of its splits, "
            f"or a slice, with --split: {', '.join(gaze_set.builder.info.splits)}"
        )
    return gaze_set, split
