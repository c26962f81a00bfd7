"""Seconds of each epoch of the birds' stages, with frozen blocks computed in each and only once.

Both forms train the same network on the same fixed views, in turns; checkpoints and the kept
network are written as in any run. Processor time counts what both cores do and hardly depends on
other work.

python -m benchmarks.cached_features --manual_dir=DIR --weights=FILE --images=64
"""

import dataclasses
import pathlib
import statistics
import tempfile
import time

import keras
from absl import app, flags

from salclass_tf import config
from salclass_tf.data import sets
from salclass_tf.training import feeding, kept_features, networks
from salclass_tf.training.execution import Execution
from salclass_tf.training.loop import Loop
from salclass_tf.training.plan import Job

_STAGES = flags.DEFINE_list("stages", ["saliency", "classifier_rgb"], "stages of the recipe")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "prepared data sets")
_MANUAL_DIR = flags.DEFINE_string("manual_dir", None, "original files, where not prepared")
_WEIGHTS = flags.DEFINE_string("weights", "imagenet", "file of VGG-16")
_IMAGES = flags.DEFINE_integer("images", 420, "training images, at most all")
_EPOCHS = flags.DEFINE_integer("epochs", 3, "epochs of each training")
_TURNS = flags.DEFINE_integer("turns", 1, "trainings in each form")
_PRECISION = flags.DEFINE_enum("precision", "float32", config.PRECISIONS[1:], "arithmetic")

_PLACES = flags.DEFINE_list("places", ["memory"], "where features are kept: memory, disk")

Seconds = tuple[float, float]  # wall, processor


@dataclasses.dataclass(frozen=True)
class _FirstImages(sets.GazeSet):
    """A set with fewer images to learn from."""

    images: int = 0

    def split(self, part: str, validation_share: float = 0.0) -> str | None:
        """The first images in place of all of them."""
        if part == "train":
            return f"train[:{self.images}]"
        return super().split(part, validation_share)


class _Clock(keras.callbacks.Callback):
    """What each epoch takes, from the end of the one before, and what of it its steps take."""

    def __init__(self):
        super().__init__()
        self.epochs: list[Seconds] = []
        self.steps: list[Seconds] = []
        self.losses: list[float] = []
        self._last = self._begun = self._stepped = _now()

    def on_train_begin(self, logs=None):
        self._last = _now()

    def on_epoch_begin(self, epoch, logs=None):
        self._begun = _now()

    def on_train_batch_end(self, batch, logs=None):
        float(logs["loss"])  # waits for the step
        self._stepped = _now()

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(_since(self._last))
        self.steps.append(_between(self._begun, self._stepped))
        self.losses.append(logs["loss"])
        self._last = _now()


def _now() -> Seconds:
    return time.perf_counter(), time.process_time()


def _since(start: Seconds) -> Seconds:
    return _between(start, _now())


def _between(start: Seconds, end: Seconds) -> Seconds:
    return tuple(now - then for now, then in zip(end, start, strict=True))


Turn = tuple[Seconds, _Clock, float]  # computing features, the epochs, GiB of features


def _chosen(stage: str, form: str) -> config.Config:
    """The birds' recipe on fixed views."""
    run = {
        "detector_weights": _WEIGHTS.value,
        "classifier_weights": _WEIGHTS.value,
        "pretrain_classifier": False,
        "precision": _PRECISION.value,
        "cache_features": form,
    }
    recipe = config.build_config("demo", "cub_gha", stage)
    return recipe.override(stage, run, {"epochs": _EPOCHS.value}, fixed_views=True)


def _train(stage: str, form: str, birds: sets.GazeSet) -> Turn:
    """Trains a stage: what computing features took, the epochs, GiB of features."""
    chosen, clock = _chosen(stage, form), _Clock()
    keras.backend.clear_session()
    keras.config.set_dtype_policy(chosen.precision)
    keras.utils.set_random_seed(chosen.seed)
    with tempfile.TemporaryDirectory() as folder:
        one = Job(chosen, stage, pathlib.Path(folder), pathlib.Path(folder) / stage, True)
        feed = feeding.build_feed(chosen, stage, birds)
        model = networks.build_model(chosen, stage, one.workdir, len(birds.class_names))
        model.compile(networks.build_optimizer(chosen.stages[stage], model, feed.steps))
        kept = kept_features.open_features(one, birds, model, feed)
        feed = dataclasses.replace(feed if kept is None else kept.feed, shown=None)
        execution = Execution(callbacks=lambda name: [clock])
        loop = Loop(stage, chosen.stages[stage], model, feed, one.folder, execution=execution)
        start = _now()
        if kept is not None:
            kept.compute()
        computing = _since(start)
        loop.run()
    return computing, clock, 0.0 if kept is None else kept.facts["gib"]


def _row(stage: str, form: str, turn: Turn) -> str:
    """A row of the table for a training."""
    computing, clock, gib = turn
    seconds = [f"{wall:.1f} / {processor:.1f}" for wall, processor in (computing, *clock.epochs)]
    if form == "none":
        seconds[0] = ""
    return f"| {stage} | {form} | {' | '.join(seconds)} | {f'{gib:.2f}' if gib else ''} |"


def _comparison(stage: str, found: dict[str, list[Turn]]) -> str:
    """How later epochs and losses compare, in words."""
    lines, losses = [], found["none"][0][1].losses
    for form in [form for form in found if form != "none"]:
        times = [
            f"{what} {_ratio(found['none'], found[form], part)} times as fast"
            for part, what in (("epochs", "later epochs"), ("steps", "their steps alone"))
        ]
        pairs = zip(found[form][0][1].losses, losses, strict=True)
        apart = max(abs(own - other) / abs(other) for own, other in pairs)
        lines.append(
            f"{stage}, {form}: {', '.join(times)} (wall / processor, medians); losses of epochs "
            f"differ by {apart:.1e} of their value at most"
        )
    return "\n".join(lines)


def _ratio(slow: list[Turn], fast: list[Turn], part: str) -> str:
    """How many times as fast the epochs after the first are, by wall and by processor time."""
    medians = [
        [
            statistics.median(one[i] for _, clock, _ in turns for one in getattr(clock, part)[1:])
            for i in (0, 1)
        ]
        for turns in (slow, fast)
    ]
    return " / ".join(f"{above / below:.1f}" for above, below in zip(*medians, strict=True))


def main(_) -> None:
    """Trains each stage in all forms and prints what it took."""
    birds = sets.prepare(
        sets.find_set("cub_gha", _DATA_DIR.value, _MANUAL_DIR.value), _MANUAL_DIR.value
    )
    size = birds.size("train")
    birds = _FirstImages(birds.name, birds.builder, min(_IMAGES.value, size))
    head = ["stage", "cache_features", "computing", *map(str, range(1, _EPOCHS.value + 1))]
    head += ["GiB"]
    print(f"{birds.images} images, {_PRECISION.value}; seconds, wall / processor")
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    compared = []
    for stage in _STAGES.value:
        found = {form: [] for form in ("none", *_PLACES.value)}
        for _ in range(_TURNS.value):
            for form, turns in found.items():
                turns.append(_train(stage, form, birds))
                print(_row(stage, form, turns[-1]), flush=True)
        compared.append(_comparison(stage, found))
    print("\n" + "\n".join(compared))


if __name__ == "__main__":
    app.run(main)
