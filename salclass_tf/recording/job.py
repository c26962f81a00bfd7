"""What `record.py` does: plan, run a session, collect the study, print its tables."""

import dataclasses
import os
import pathlib
import signal
from typing import Any

from salclass_tf.recording import pictures, plan, protocol, session, storage, study, tracker_models
from salclass_tf.recording.plan_picture import describe, draw

PLAN_PICTURE = "plan.png"
_PROCESS_NOTE = "iohub.json"


@dataclasses.dataclass(frozen=True)
class Setup:
    """What a session runs on.

    Attributes:
        tracker: a name of `tracker_models.MODELS`.
        sampling_rate_hz: None for the tracker's usual one.
        tracker_settings: JSON file with more of ioHub's settings, or None.
        screen: number of the screen, from 0.
        screen_width_cm: width of its lit area.
        viewing_distance_cm: from the eye.
        calibrate: whether to calibrate; None: if the tracker measures eyes.
        rehearse: whether this computer plays the person.
        rehearse_lost_tracker: presentation in which the robot stops the tracker, or None.
        screenshots: folder for pictures of the screens, or None.
    """

    tracker: str = "mouse"
    sampling_rate_hz: float | None = None
    tracker_settings: str | None = None
    screen: int = 0
    screen_width_cm: float = 0.0
    viewing_distance_cm: float = 0.0
    calibrate: bool | None = None
    rehearse: bool = False
    rehearse_lost_tracker: int | None = None
    screenshots: str | None = None


def design(
    images: str | os.PathLike,
    recording: str | os.PathLike,
    rules: protocol.Protocol,
    people: int,
    viewers_per_image: int,
    seed: int,
    dry_run: bool = False,
) -> plan.Plan:
    """Plans an experiment, and prints and draws the plan.

    Args:
        images: folder of classes.
        recording: folder of the recording, for the plan and copies of the pictures.
        rules: the protocol.
        people: how many take part.
        viewers_per_image: how many of them see each picture.
        seed: decides the plan.
        dry_run: whether only the drawing is written.

    Returns:
        The plan. One that is there already stays, if it is the same.

    Raises:
        ValueError: if the pictures do not suffice, or another plan is there.
    """
    recording = pathlib.Path(recording)
    made = plan.make_plan(
        pictures.find_pictures(images),
        rules,
        people=people,
        viewers_per_image=viewers_per_image,
        seed=seed,
    )
    if (recording / plan.FILE).exists() and plan.read_plan(recording).digest != made.digest:
        raise ValueError(
            f"{recording / plan.FILE} is another plan than these pictures and flags give; go on "
            "with it by leaving --images out, or give another --out"
        )
    draw(made, recording / PLAN_PICTURE)
    print(describe(made))
    if not dry_run:
        study.copy_pictures(made, images, recording)
        plan.write_plan(made, recording)
    return made


def record(recording: str | os.PathLike, code: str, setup: Setup) -> pathlib.Path:
    """Runs a person's session, or what is left of it, and collects the study.

    Args:
        recording: folder of the recording, with its plan.
        code: the person.
        setup: screen and tracker.

    Returns:
        The folder of the study.

    Raises:
        FileNotFoundError: if there is no plan, or a picture of it is missing.
        OSError: if the disk is full.
        ValueError: if the display, the tracker or the person is not there, or differ from those of
            earlier sessions.
    """
    recording = pathlib.Path(recording)
    planned = plan.read_plan(recording)
    person = planned.person(code)
    _check_pictures(planned, person, recording)
    model = tracker_models.MODELS[setup.tracker]
    tracker_models.require_plugin(model)
    settings = tracker_models.read_settings(setup.tracker_settings)
    if not (setup.screen_width_cm > 0 and setup.viewing_distance_cm > 0):
        raise ValueError(
            "--screen_width_cm and --viewing_distance_cm must be measured and above 0, since they "
            f"give the degrees; got {setup.screen_width_cm} and {setup.viewing_distance_cm}"
        )
    from salclass_tf.recording.window import Window

    window = Window(setup.screen, setup.screen_width_cm, setup.viewing_distance_cm)
    try:
        _run(recording, planned, code, setup, model, settings, window)
    finally:
        window.close()
    return study.collect(recording)


def _run(
    recording: pathlib.Path,
    planned: plan.Plan,
    code: str,
    setup: Setup,
    model: tracker_models.Model,
    settings: dict[str, Any],
    window: Any,
) -> None:
    """The session in an open window."""
    from salclass_tf.recording.display import PsychoPyDisplay
    from salclass_tf.recording.trackers import Tracker

    rate_hz = float(setup.sampling_rate_hz or model.rate_hz)
    folder = storage.Session(recording, code)
    facts = {
        "plan": planned.digest,
        "screen": dataclasses.asdict(window.screen),
        "tracker": f"{'rehearsal; ' if setup.rehearse else ''}{model.name}",
        "sampling_rate_hz": rate_hz,
    }
    for other in storage.sessions(recording)[:1]:
        storage.check_same(other.setup(), facts, str(folder.folder))
    folder.check(facts)
    robot = _watch(window, planned, setup)
    tracker = Tracker(
        model,
        window.psychopy,
        window.screen,
        folder.raw_name(),
        rate_hz,
        settings,
        recording / _PROCESS_NOTE,
    )
    if robot is not None:
        robot.stop_tracker = tracker.stop_sampling
    pace = "this computer's clock" if window.paced else "the screen"
    _say(f"frames: {1 / window.frame_s:.1f} Hz by {pace}; tracker: {facts['tracker']}")
    calibrates = model.is_eye if setup.calibrate is None else setup.calibrate
    contingent = setup.tracker == "mouse_contingent"
    display = PsychoPyDisplay(
        window, tracker, planned.protocol, calibrates, folder.note, contingent
    )
    try:
        folder.open(facts)  # not before the tracker is there: another one may be tried
        session.run(planned, code, folder, display, recording, _say)
    except session.SessionEnded as ended:
        print(f"{ended}: the same command goes on with the next trial")
    finally:
        tracker.close()
        if robot is not None:
            folder.note("script", {"moves": robot.script})
    _summarise(folder, len(planned.person(code).stems))


def _watch(window: Any, planned: plan.Plan, setup: Setup) -> Any:
    """Adds the robot and the photographer that were asked for; returns the robot."""
    if not (setup.rehearse or setup.screenshots):
        return None
    from salclass_tf.recording import photographer, rehearsal

    if setup.screenshots:
        window.watchers.append(photographer.Photographer(setup.screenshots))
    if not setup.rehearse:
        return None
    robot = rehearsal.Robot(planned, planned.seed, setup.rehearse_lost_tracker)
    window.watchers.append(robot)
    return robot


def _check_pictures(plan_: plan.Plan, person: plan.PersonPlan, recording: pathlib.Path) -> None:
    """Decodes all that the person will see, before the session and not within it."""
    needed = {*person.stems, *(s for part in (*person.training, *person.probes) for s in part)}
    for stem in sorted(needed):
        path = study.picture_path(plan_, stem, recording)
        if not path.exists():
            raise FileNotFoundError(f"{path} is missing; copy it back from the original pictures")
        pictures.load(path)


def _summarise(folder: storage.Session, planned: int) -> None:
    """Prints what a session has."""
    trials = folder.trials()
    frames = sum(len(one.shown.flips_ms) - 1 for one in trials)
    dropped = sum(one.shown.dropped_frames for one in trials)
    print(
        f"{folder.code}: {len(trials)} of {planned} trials on disk, {folder.aborted()} attempts "
        f"repeated; {dropped} of {frames + dropped} frames dropped"
    )
    probes = folder.answers("probes").values()
    if old := [p["said_old"] for p in probes if p["old"]]:
        new = [p["said_old"] for p in probes if not p["old"]]
        print(f"memory: hits {sum(old)} of {len(old)}, false alarms {sum(new)} of {len(new)}")


def _say(line: str) -> None:
    print(line, flush=True)


def stop_cleanly() -> None:
    """Lets a terminated session end like an interrupted one: ioHub's process goes with it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
