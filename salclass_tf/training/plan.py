"""What a run has to do, and every reason why it could not: nothing is made here.

All stages are looked at before the first one is trained, since the last of them may be hours away,
and before any data are rendered or downloaded. What only prepared data tell, `check_data` looks at
once they are there.
"""

import dataclasses
import logging
import pathlib
from collections.abc import Sequence

from salclass_tf.config import ROLES, Config
from salclass_tf.data import sets
from salclass_tf.data.sets import GazeSet
from salclass_tf.devices import Placement
from salclass_tf.runs.finished_stage import FinishedStage
from salclass_tf.training import caching, checks, feeding, folder_state, gaze_check, same_data
from salclass_tf.training.folder_state import State

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Job:
    """A stage that a run needs.

    Attributes:
        config: the run.
        name: of the stage.
        workdir: where the stages before it leave their networks.
        folder: where this one is, or will be.
        asked_for: whether the user named it, or another stage needs it.
    """

    config: Config
    name: str
    workdir: pathlib.Path
    folder: pathlib.Path
    asked_for: bool

    @property
    def dataset(self) -> str:
        """TFDS name of the set that it learns from."""
        return self.config.stages[self.name].dataset

    @property
    def has_other_data_by_choice(self) -> bool:
        """Whether it is a finished stage of pretraining that a user made on a set of her own."""
        begun = FinishedStage(self.folder)
        if self.asked_for or not ROLES[self.name].own_dataset or not begun.is_finished:
            return False
        return begun.settings["stage"]["dataset"] != self.dataset

    def metrics(self) -> dict:
        """Returns what its `metrics.json` holds, once it is done."""
        return FinishedStage(self.folder).metrics

    def state(self) -> State:
        """Returns what is to be done about it; raises where its folder is another's."""
        return folder_state.look(self.config, self.name, self.folder, self.asked_for)

    def check_origin(self) -> None:
        """Raises where what it started from has been trained again since."""
        folder_state.check_origin(self.config, self.name, self.workdir, self.folder)


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a run has to do.

    Attributes:
        jobs: all stages that it needs, each after those that it needs itself.
        todo: those that are not done.
        found: the data sets of those, by name, prepared or not; what costs least comes first.
        data_known: stages of which the data were there, and so have been checked.
        network_known: stages of which the network has been built as a check.
    """

    jobs: tuple[Job, ...]
    todo: tuple[Job, ...]
    found: dict[str, GazeSet]
    data_known: frozenset[str]
    network_known: frozenset[str]

    @property
    def kept(self) -> tuple[Job, ...]:
        """The stages that are done."""
        return tuple(one for one in self.jobs if one not in self.todo)


def plan(
    config: Config,
    stage: str,
    workdir: pathlib.Path,
    placement: Placement,
    data_dir: str | None = None,
    manual_dir: str | None = None,
) -> Plan:
    """Plans a stage, and before it the stages that it starts from or is compared with.

    Args:
        config: the run.
        stage: one of `config.STAGES`.
        workdir: folder of the run.
        placement: the devices.
        data_dir: where prepared data sets live, None for TFDS' own place.
        manual_dir: folder of original files, for sets that are not downloaded.

    Raises:
        ValueError: for anything that cannot work; the message says what to do.
    """
    jobs = [job(config, name, workdir, name == stage) for name in order(config, stage)]
    return plan_jobs(jobs, placement, data_dir, manual_dir)


def plan_jobs(
    jobs: list[Job],
    placement: Placement,
    data_dir: str | None = None,
    manual_dir: str | None = None,
) -> Plan:
    """Plans stages in one workdir, each after those that it needs; see `plan`."""
    checks.check_settings(jobs[-1].config, [one.name for one in jobs])
    todo = [one for one in jobs if not _is_done(one)]
    settings = [one.config.for_stage(one.name) for one in todo]
    placement.require_same(
        f"stages to make: {', '.join(one.name for one in todo) or 'none'}", settings
    )
    found = _find_sets(todo, data_dir, manual_dir)
    check_same_data(jobs, data_dir, manual_dir)
    stages = {one.name: one for one in todo}
    prepared = {name for name, one in stages.items() if found[one.dataset].is_prepared}
    for name, one in stages.items():
        checks.check_split(one.config, name, placement.strategy.num_replicas_in_sync)
        checks.check_set(one.config, name, found[one.dataset])
    checks.check_parts(jobs[-1].config, list(stages))
    known = {
        name
        for name, one in stages.items()
        if checks.knows_network(one.config, name, found[one.dataset])
    }
    for name, one in stages.items():
        if name in known:
            checks.check_network(one.config, name, found[one.dataset])
        if one.asked_for:
            caching.check(one.config, name)
        if name in prepared:
            _check_examples(one, found[one.dataset])
    return Plan(tuple(jobs), tuple(todo), found, frozenset(prepared), frozenset(known))


def check_same_data(jobs: Sequence[Job], data_dir: str | None, manual_dir: str | None) -> None:
    """Checks that what there is of some stages was made on the data of this run.

    Args:
        jobs: the stages, in one workdir.
        data_dir: see `plan`.
        manual_dir: see `plan`.

    Raises:
        ValueError: naming each difference.
    """
    # Each set once: its own folder is read from end to end.
    names = dict.fromkeys(one.dataset for one in jobs)
    found = {name: sets.peek(name, data_dir, manual_dir) for name in names}
    classes = {one.name: found[one.dataset].class_names for one in jobs}
    for one in jobs:
        if not one.has_other_data_by_choice:
            same_data.check(one.name, one.folder, found[one.dataset])
    for one in {one.name: one for one in jobs if ROLES[one.name].is_joint}.values():
        same_data.check_joint(one.config, one.name, one.workdir, classes)


def check_data(planned: Plan, prepared: dict[str, GazeSet]) -> None:
    """Checks what could not be known of data sets and networks before the data were there.

    Args:
        planned: the plan.
        prepared: its data sets, by name.

    Raises:
        ValueError: as `plan`.
    """
    for name, one in {one.name: one for one in planned.todo}.items():
        gaze_set = prepared[one.dataset]
        if name not in planned.data_known:
            checks.check_set(one.config, name, gaze_set)
        if name not in planned.network_known:
            checks.check_network(one.config, name, gaze_set)
        if name not in planned.data_known:
            _check_examples(one, gaze_set)
        caching.check_room(one.config, name, gaze_set, one.folder)


def _check_examples(one: Job, gaze_set: GazeSet) -> None:
    """Checks that a prepared set fills a batch, and that there is gaze where a stage needs it."""
    feeding.check_feed(one.config, one.name, gaze_set)
    gaze_check.check(one.config, one.name, gaze_set)


def job(config: Config, name: str, workdir: pathlib.Path, asked_for: bool) -> Job:
    """The job of a stage in its usual place, `workdir/<stage>`."""
    return Job(config, name, workdir, workdir / name, asked_for)


def order(config: Config, stage: str) -> list[str]:
    """The stages that `stage` needs, each after what it needs itself, and `stage` last."""
    names = []
    for name in (*config.prerequisites(stage), stage):
        for needed in (name,) if name == stage else order(config, name):
            if needed not in names:
                names.append(needed)
    return names


def _is_done(one: Job) -> bool:
    """Whether a stage has been made, which the log says too."""
    state = one.state()
    if state is not State.TO_DO and FinishedStage(one.folder).is_finished:
        one.check_origin()
    _log.info("stage %-19s %s", one.folder.relative_to(one.workdir), state.value)
    return state is State.DONE


def _find_sets(todo: list[Job], data_dir: str | None, manual_dir: str | None) -> dict[str, GazeSet]:
    """The sets of stages, by name: those that are there, then those that need a user's files."""
    names = dict.fromkeys(one.dataset for one in todo)
    found = [sets.find_set(name, data_dir, manual_dir) for name in names]
    return {one.name: one for one in sorted(found, key=cost)}


def cost(one: GazeSet) -> int:
    """Returns how long it may take to know that a set cannot be prepared, from 0 to 2."""
    if one.is_prepared:
        return 0
    return 1 if one.builder.MANUAL_DOWNLOAD_INSTRUCTIONS else 2
