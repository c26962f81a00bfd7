"""What the network that a stage keeps has learned from, for `metrics.json`."""

import dataclasses

from salclass_tf.config.stage import CLASSIFIER, DETECTOR, ROLES
from salclass_tf.runs import learned
from salclass_tf.runs.finished_stage import FinishedStage
from salclass_tf.training.loop import Position
from salclass_tf.training.plan import Job


def record(one: Job, place: Position, steps_per_epoch: int) -> list[dict] | None:
    """Returns the stages that a network has gone through, this one last.

    Of a joint stage it is the way of the classifier, whose accuracy is compared.

    Args:
        one: the stage that has been trained.
        place: where its training has ended.
        steps_per_epoch: its batches in an epoch.

    Returns:
        `learned.Learned` as plain data; None if a stage before it has not noted its own; of
        pretraining, which tables leave out, that does not matter.
    """
    stage = one.config.stages[one.name]
    part = CLASSIFIER if ROLES[one.name].trains_classifier else DETECTOR
    before = one.config.start_of(one.name, part)
    earlier = learned.read(FinishedStage(one.workdir / before).metrics) if before else ()
    if earlier is None and ROLES[before].pretraining:
        earlier = ()  # tables leave it out
    if earlier is None:
        return None
    steps = min(place.best_epoch * steps_per_epoch, place.step)
    rates = stage.optimizer.rates(steps, steps_per_epoch, stage.epochs)
    images = steps * stage.batch_size
    own = learned.Learned(one.name, images, rates, stage.attention_loss)
    return [dataclasses.asdict(entry) for entry in (*earlier, own)]
