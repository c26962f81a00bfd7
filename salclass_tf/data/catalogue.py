"""The gaze sets that are there, by name, with what each of them has."""

import pkgutil
import re
from typing import NamedTuple

import tensorflow_datasets as tfds

import tfds_builders  # importing it registers our builders with TFDS


class SetFacts(NamedTuple):
    """What a data set has.

    Attributes:
        description: one sentence.
        fixations: whether it has points where people looked.
        heatmaps: whether it has maps in place of points.
        classes: whether it has class labels.
    """

    description: str
    fixations: bool
    heatmaps: bool
    classes: bool


def load_sets() -> dict[str, SetFacts]:
    """Registers the gaze sets with TFDS and tells which there are; prepares and downloads nothing.

    After the call `tfds.load(name)` and `tfds.builder(name)` know them.

    Returns:
        TFDS name, with its configuration where a set has several -> its facts, by name.
    """
    modules = [module.name for module in pkgutil.iter_modules(tfds_builders.__path__)]
    return {name: _facts(name) for name in sorted(_names(modules))}


def _names(modules: list[str]) -> list[str]:
    """The TFDS names of the sets among modules, one for each configuration."""
    names = []
    for module in set(modules) & set(tfds.list_builders(with_community_datasets=False)):
        configs = tfds.builder_cls(module).BUILDER_CONFIGS
        names += [f"{module}/{config.name}" for config in configs] or [module]
    return names


def _facts(name: str) -> SetFacts:
    """The facts of a set, from its description and its features."""
    info = tfds.builder(name).info
    heatmaps = "heatmap" in info.features
    # A set without gaze has a blur of 0; one whose blur its recordings tell has none yet.
    has_gaze = (info.metadata or {}).get("sigma_px") != 0
    return SetFacts(
        description=_first_sentence(info.description),
        fixations=has_gaze and not heatmaps,
        heatmaps=heatmaps,
        classes="label" in info.features,
    )


def _first_sentence(markdown: str) -> str:
    """The first sentence behind the title, without emphasis."""
    paragraphs = [text.strip() for text in markdown.split("\n\n")]
    text = next(text for text in paragraphs if text and not text.startswith("#"))
    text = re.sub(r"\[([^]]*)\]\([^)]*\)|\*\*|`", r"\1", " ".join(text.split()))
    return re.split(r"[.:](?:\s|$)", text, maxsplit=1)[0] + "."
