"""A picture of a plan: who sees which class when."""

import os

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from salclass_tf.figures import canvas
from salclass_tf.recording.plan import Plan


def draw(planned: Plan, path: str | os.PathLike) -> None:
    """Draws a row for each person, a column for each trial, a colour for each class.

    Args:
        planned: the plan.
        path: of the file, PNG or PDF.
    """
    names = planned.class_names
    longest = max(len(person.stems) for person in planned.people.values())
    grid = np.full((len(planned.people), longest), np.nan)
    figure = Figure(figsize=(9, 1.4 + 0.28 * len(planned.people)), layout="constrained")
    axis = figure.subplots()
    for row, person in enumerate(planned.people.values()):
        for column, stem in enumerate(person.stems):
            grid[row, column] = names.index(planned.pictures[stem].class_name)
        for end in np.cumsum([len(block) for block in person.blocks])[:-1]:
            axis.plot([end - 0.5] * 2, [row - 0.5, row + 0.5], color="black", linewidth=1.5)
    colours = matplotlib.colormaps["viridis"].resampled(len(names))
    image = axis.imshow(grid, aspect="auto", interpolation="nearest", cmap=colours)
    image.set_clim(-0.5, len(names) - 0.5)
    axis.set_yticks(range(len(planned.people)), list(planned.people))
    axis.set_xlabel("trial; black: break")
    bar = figure.colorbar(image, ax=axis, label="class")
    if len(names) <= 12:
        bar.set_ticks(range(len(names)), labels=list(names))
    canvas.write(figure, path)


def describe(planned: Plan) -> str:
    """Returns a plan in words.

    Args:
        planned: the plan.

    Returns:
        Lines of text.
    """
    rules = planned.protocol
    trials = [len(person.stems) for person in planned.people.values()]
    blocks = [len(person.blocks) for person in planned.people.values()]
    lines = [
        f"task: {rules.task}; a picture takes up to {rules.duration_s:g} s",
        f"{len(planned.pictures)} pictures of {len(planned.class_names)} classes to record, "
        f"{len(planned.set_aside)} set aside",
        f"{len(planned.people)} people, {planned.viewers_per_image} of them for each picture",
        f"trials of a person: {_span(trials)}, in {_span(blocks)} blocks",
    ]
    if rules.has_training:
        pictures = len(planned.set_aside)
        lines.append(
            f"training: up to {rules.training_rounds} rounds of {pictures} pictures, until "
            f"{rules.training_criterion:.0%} are right"
        )
    if rules.task == "classification":
        steps = ", ".join(f"{variance:g}" for _, variance in rules.levels)
        lines.append(f"variance of the blur, every {rules.step_s:g} s: {steps}")
    minutes = max(trials) * (rules.duration_s + rules.cross_s + 3) / 60
    lines.append(f"a session takes up to about {minutes:.0f} minutes without training and breaks")
    lines += [f"  {code}: {len(person.stems)} trials" for code, person in planned.people.items()]
    lines.append(f"seed {planned.seed}; plan {planned.digest[:12]}")
    return "\n".join(lines)


def _span(numbers: list[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"
