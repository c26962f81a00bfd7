"""A session from welcome to thanks, in the order of the plan, wherever it was left."""

import pathlib
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from salclass_tf.recording import plan, study
from salclass_tf.recording.storage import Session
from salclass_tf.recording.trial import Presentation, Trial


class TrackerLost(Exception):  # noqa: N818  # an event of a session, handled there
    """The eye tracker fell silent in a trial.

    Attributes:
        rest: `onset_s`, seconds of the tracker's clock, or None if the picture had not appeared
            yet; and `samples` up to then, each a moment and a point.
    """

    def __init__(self, rest: dict[str, Any]) -> None:
        super().__init__("the eye tracker sends no samples")
        self.rest = rest


class SessionEnded(Exception):  # noqa: N818
    """Somebody pressed Escape: the session goes on another time."""


class Display(Protocol):
    """What a session needs: a screen with keys and an eye tracker.

    Every method may raise `SessionEnded`.
    """

    def message(self, name: str, **values: Any) -> None:
        """Shows a text of `texts.TEXTS` until the space bar is pressed."""

    def teach(self, path: pathlib.Path, class_name: str) -> None:
        """Shows a training picture with its class."""

    def quiz(self, path: pathlib.Path, class_name: str, class_names: Sequence[str]) -> str:
        """Asks for the class of a picture, says which is right, and returns the answer."""

    def choose(self, class_names: Sequence[str]) -> str:
        """Asks which class the last picture was."""

    def seen(self, path: pathlib.Path) -> bool:
        """Asks whether a picture was seen."""

    def pause(self, block: int, blocks: int) -> None:
        """Shows the break before a block; both count from 1."""

    def present(self, path: pathlib.Path) -> Presentation:
        """Shows the cross, then the picture, and records the gaze; may raise `TrackerLost`."""

    def reconnect(self) -> None:
        """Waits until a lost tracker is there again."""


def run(
    planned: plan.Plan,
    code: str,
    session: Session,
    display: Display,
    recording: pathlib.Path,
    say: Callable[[str], None],
) -> None:
    """Runs what is left of a session; each answer and trial is on disk before the next begins.

    Args:
        planned: the experiment.
        code: the person.
        session: the open folder of the person.
        display: shows and measures.
        recording: the folder of the recording.
        say: takes a line about each trial.

    Raises:
        SessionEnded: if somebody ended it early.
    """
    person = planned.person(code)

    def path(stem: str) -> pathlib.Path:
        return study.picture_path(planned, stem, recording)

    if not session.done():
        display.message(f"welcome_{planned.protocol.task}")
        _train(planned, person, session, display, path)
    index = 0
    for number, stems in enumerate(person.blocks):
        ahead = set(range(index, index + len(stems))) - session.done()
        if ahead and number:
            display.pause(number + 1, len(person.blocks))
        for place in sorted(ahead):
            say(_record(planned, place, person.stems[place], session, display, path))
        _ask_what_was_seen(person.probes[number], number, stems, session, display, path)
        index += len(stems)
    display.message("thanks")


def _train(
    planned: plan.Plan,
    person: plan.PersonPlan,
    session: Session,
    display: Display,
    path: Callable[[str], pathlib.Path],
) -> None:
    """Teaches the classes until enough answers are right, or the rounds are over."""
    for number, stems in enumerate(person.training, 1):
        given = session.answers("training")
        names = [f"{number}-{place:03d}" for place in range(len(stems))]
        if not any(name in given for name in names):
            display.message("training", round=number, rounds=len(person.training))
            for stem in stems:
                display.teach(path(stem), planned.picture(stem).class_name)
            display.message("quiz")
        for name, stem in zip(names, stems, strict=True):
            if name in given:
                continue
            answer = display.quiz(path(stem), planned.picture(stem).class_name, planned.class_names)
            right = answer == planned.picture(stem).class_name
            session.answer("training", name, {"stem": stem, "response": answer, "correct": right})
        given = session.answers("training")
        right = sum(given[name]["correct"] for name in names)
        passed = right >= planned.protocol.training_criterion * len(stems)
        last = number == len(person.training)
        which = "passed" if passed else "not_passed" if last else "again"
        display.message(which, right=right, all=len(stems))
        if passed:
            return


def _record(
    planned: plan.Plan,
    index: int,
    stem: str,
    session: Session,
    display: Display,
    path: Callable[[str], pathlib.Path],
) -> str:
    """Records a trial, again where the tracker is lost; returns a line about it."""
    asks = planned.protocol.task == "classification"
    while True:
        attempt = session.begin(index)
        try:
            shown = display.present(path(stem))
            break
        except TrackerLost as lost:
            if lost.rest["onset_s"] is None:
                session.withdraw(index, attempt)
            else:
                session.abort(index, attempt, str(lost), {"stem": stem} | lost.rest)
            display.reconnect()
    recognised = shown.stop_ms is not None if asks else None
    response = display.choose(planned.class_names) if recognised else ""
    done = Trial(
        index, stem, planned.picture(stem).class_name, attempt, response, recognised, shown
    )
    session.finish(done)
    return _describe(done)


def _ask_what_was_seen(
    probes: Sequence[str],
    number: int,
    block: Sequence[str],
    session: Session,
    display: Display,
    path: Callable[[str], pathlib.Path],
) -> None:
    """The questions of "memory" after a block."""
    given = session.answers("probes")
    for place, stem in enumerate(probes):
        name = f"{number:03d}-{place:03d}"
        if name not in given:
            answer = display.seen(path(stem))
            was = stem in block
            session.answer("probes", name, {"stem": stem, "old": was, "said_old": answer})


def _describe(done: Trial) -> str:
    shown = done.shown
    outcome = {True: "right", False: "wrong", None: "not recognised"}[done.correct]
    if done.recognised is None:
        outcome = "seen"
    seconds = (shown.offset_s - shown.onset_s) if shown.stop_ms is None else shown.stop_ms / 1000
    dropped = shown.dropped_frames
    again = f", attempt {done.attempt}" if done.attempt > 1 else ""
    return (
        f"trial {done.index + 1}: {done.stem}, {outcome}, {seconds:.2f} s, "
        f"{len(shown.t_ms)} samples, {dropped} of {len(shown.flips_ms) - 1 + dropped} frames "
        f"dropped{again}"
    )
