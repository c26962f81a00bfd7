"""Which events of a recording belong together: those of a trial."""

import dataclasses
from collections.abc import Sequence

from tfds_builders.gaze_folder.readers import messages


@dataclasses.dataclass
class Trial:
    """What belongs together.

    Attributes:
        line: where it begins.
        events: in the order of the file.
    """

    line: int
    events: list[messages.Event] = dataclasses.field(default_factory=list)

    def of(self, kind: str) -> list[messages.Event]:
        """Lists its events of a kind.

        Args:
            kind: as in `messages.Event`.

        Returns:
            They in the order of the file.
        """
        return [event for event in self.events if event.kind == kind]

    @property
    def is_recorded(self) -> bool:
        """Whether the tracker recorded anything of it."""
        return any(event.is_recorded for event in self.events)


class AmbiguousError(ValueError):
    """Events that can be read in two ways.

    Attributes:
        what: why.
        events: those that say it.
    """

    def __init__(self, what: str, events: Sequence[messages.Event]) -> None:
        """Keeps the events; who knows the file makes a sentence of them.

        Args:
            what: why.
            events: those that say it.
        """
        super().__init__(what)
        self.what = what
        self.events = events


def divide(events: Sequence[messages.Event]) -> list[Trial]:
    """Divides events among trials.

    What belongs to a trial stands between its beginning (`TRIALID`, `start_trial`, or the start of
    a recording where there are no such messages) and its end (`TRIAL_RESULT`, `stop_trial`, or the
    end of the recording). What names pictures outside belongs to the trial behind it if a message
    ends the one before, or if it stands before the first trial, too; otherwise to the one before.

    Args:
        events: in the order of the file.

    Returns:
        Trials in the order of the file.

    Raises:
        AmbiguousError: if the file shows neither.
    """
    begin = "begin" if any(event.kind == "begin" for event in events) else "start"
    places = [number for number, event in enumerate(events) if event.kind == begin]
    if not places:
        return []
    parts = [events[a:b] for a, b in zip(places, [*places[1:], len(events)], strict=True)]
    ends = [_end_of(part) for part in parts]
    trials = [Trial(part[0].line, list(part[:end])) for part, end in zip(parts, ends, strict=True)]
    loose = [part[end:] for part, end in zip(parts, ends, strict=True)]
    head = events[: places[0]]
    if _belongs_behind(head, loose, any(event.kind == "result" for event in events)):
        for trial, before in zip(trials, [head, *loose], strict=False):
            trial.events = [*before, *trial.events]
    else:
        for trial, after in zip(trials, loose, strict=True):
            trial.events = [*trial.events, *after]
        trials[0].events = [*head, *trials[0].events]
    return trials


def _belongs_behind(
    head: Sequence[messages.Event], loose: Sequence[Sequence[messages.Event]], has_results: bool
) -> bool:
    """Whether what stands between two trials belongs to the second one."""
    before, after = _names(head), _names(loose[-1])
    if has_results:
        return True
    if before and after:
        raise AmbiguousError(
            "pictures are named before the first trial and behind the last one",
            [event for part in (head, *loose) for event in part],
        )
    if any(map(_names, loose[:-1])) and not before and not after:
        raise AmbiguousError(
            "pictures are named between trials; of which of the two does not show",
            [event for part in loose[:-1] for event in part],
        )
    return before


def _names(part: Sequence[messages.Event]) -> bool:
    return any(event.names_picture for event in part)


def _end_of(part: Sequence[messages.Event]) -> int:
    """Behind the last event that is surely of the trial that begins the part."""
    for index, event in enumerate(part):
        if event.kind == "result":
            return index + 1
    stops = [index for index, event in enumerate(part) if event.kind == "stop"]
    goes_on = stops and any(event.kind == "start" for event in part[stops[-1] :])
    return stops[-1] + 1 if stops and not goes_on else len(part)
