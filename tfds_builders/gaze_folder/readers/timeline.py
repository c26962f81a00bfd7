"""Which picture was shown when: from the messages of a recording."""

import dataclasses
import itertools
from collections.abc import Sequence

from tfds_builders.gaze_folder import placement, recording
from tfds_builders.gaze_folder.readers import messages, trials
from tfds_builders.gaze_folder.readers.messages import Event, Moment
from tfds_builders.gaze_folder.readers.trials import Trial

_NEAR_MS = 50.0  # messages of one moment are sent one after the other
_LISTED = 8


@dataclasses.dataclass(frozen=True)
class Shown:
    """A picture on the screen.

    Attributes:
        stem: its name; "" if no message of the trial names one.
        place: where on the screen, if a message says it.
        onset: when it appeared.
        offset: when it went.
        line: of the message that begins it or the trial.
    """

    stem: str
    place: placement.Place | None
    onset: Moment
    offset: Moment
    line: int


class Timeline:
    """The pictures of a recording.

    A picture appears with the message that says so (`messages.ONSET_MESSAGES`), otherwise when it
    is loaded, otherwise with its trial. It goes with the message that says so, with the next
    picture, with the end of the trial or of the recording, whichever is first.

    Attributes:
        source: the file, for errors.
        names_pictures: whether any message names one.
    """

    def __init__(
        self,
        source: str,
        told: Sequence[messages.Message],
        stretches: Sequence[messages.Stretch],
        facts: recording.Recording,
    ) -> None:
        """Understands the messages.

        Args:
            source: the file, for errors.
            told: messages in the order of the file.
            stretches: when the tracker recorded, in the order of the file.
            facts: names of the variable and the messages, where they are not the usual ones.
        """
        self.source = source
        self._told = told
        self._stretches = stretches
        self._events = messages.understand(told, stretches, facts)
        self.names_pictures = any(event.names_picture for event in self._events)

    def pictures(self) -> list[Shown]:
        """Lists the pictures.

        Returns:
            In the order of time. A trial without a picture is in the list with the stem "".

        Raises:
            ValueError: if the messages can be read in two ways; it lists them.
        """
        try:
            recorded = [trial for trial in trials.divide(self._events) if trial.is_recorded]
            shown = [one for trial in recorded for one in self._pictures_of(trial)]
        except trials.AmbiguousError as error:
            raise ValueError(self._sentence(error)) from error
        named = sorted((one for one in shown if one.stem), key=lambda one: one.onset)
        ends = [*(one.onset for one in named[1:]), (float("inf"), 0.0)]
        named = [
            dataclasses.replace(one, offset=min(one.offset, end))
            for one, end in zip(named, ends, strict=False)
        ]
        without = [one for one in shown if not one.stem and not _overlaps(one, named)]
        return sorted(named + without, key=lambda one: one.onset)

    def hint(self) -> str:
        """What the messages offer to name pictures by, for an error."""
        return messages.hint(self._told)

    def _pictures_of(self, trial: Trial) -> list[Shown]:
        """The pictures of one trial."""
        names = list(dict.fromkeys(event.text for event in trial.of("name")))
        loads = _without_repeats(trial.of("load"), trial.of("offset"))
        if len(names) > 1:
            raise trials.AmbiguousError("a trial has two names of its picture", trial.of("name"))
        loaded = {load.text for load in loads}
        if len(loaded) > 1 and names and names[0] not in loaded:
            raise trials.AmbiguousError(
                "the variable names another picture than those that were loaded", trial.events
            )
        if len(loaded) > 1:
            return self._several(trial, loads)
        return self._repeated(trial, names[0] if names else "".join(loaded), loads)

    def _repeated(self, trial: Trial, name: str, loads: list[Event]) -> list[Shown]:
        """One picture, shown once, or again after it went."""
        limits = first, last = self._limits(trial)
        onsets = _apart(trial.of("onset"))
        if len({event.text.lower() for event in onsets}) > 1:
            raise trials.AmbiguousError(
                "several messages of a trial say that a picture appeared", onsets
            )
        begins = [event.at for event in onsets] or [load.at for load in loads] or [first]
        begins = sorted({self._recorded(begin, *limits) for begin in begins})
        place = next((load.place for load in loads if load.place), None)
        return [
            Shown(name, place, begin, self._end(trial, begin, following), trial.line)
            for begin, following in zip(begins, [*begins[1:], last], strict=True)
        ]

    def _several(self, trial: Trial, loads: list[Event]) -> list[Shown]:
        """Pictures that follow each other within a trial."""
        limits = _, last = self._limits(trial)
        begins = [self._recorded(load.at, *limits) for load in loads]
        onsets = _apart(trial.of("onset"))
        if len(onsets) == len(loads):
            begins = [self._recorded(event.at, *limits) for event in onsets]
        elif any(min(_distance(one.at, load.at) for load in loads) > _NEAR_MS for one in onsets):
            raise trials.AmbiguousError(
                f"{len(loads)} pictures and {len(onsets)} messages that one appeared", trial.events
            )
        if any(after <= before for before, after in itertools.pairwise(begins)):
            raise trials.AmbiguousError("several pictures are loaded at one moment", loads)
        return [
            Shown(load.text, load.place, begin, self._end(trial, begin, following), load.line)
            for load, begin, following in zip(loads, begins, [*begins[1:], last], strict=True)
        ]

    def _limits(self, trial: Trial) -> tuple[Moment, Moment]:
        """First and last moment of recording in a trial."""
        recorded = [event for event in trial.events if event.is_recorded]
        begins = [event for event in recorded if event.kind == "begin"]
        first = (begins or recorded)[0].at
        number = int(recorded[-1].at[0])
        last = (number, self._stretches[number].end_ms)
        # A trial that ends while the tracker goes on ends with the message that says so.
        if results := trial.of("result"):
            last = min(last, max(results[-1].at, first))
        return first, last

    def _recorded(self, at: Moment, first: Moment, last: Moment) -> Moment:
        """The first moment from then on that was recorded; of the trial, if none follows."""
        if at[0] == int(at[0]):
            return at
        following = int(at[0] + 0.5)
        if following <= last[0]:
            return max(first, (following, self._stretches[following].start_ms))
        return first

    def _end(self, trial: Trial, begin: Moment, latest: Moment) -> Moment:
        """When a picture went: the first message of it, at latest with the next picture."""
        ends = [event.at for event in trial.of("offset") if event.at > begin]
        return min([*ends, latest])

    def _sentence(self, error: trials.AmbiguousError) -> str:
        """The error with the messages found."""
        found = [
            f"line {event.line} {event.kind} {event.text}".rstrip()
            for event in sorted(error.events, key=lambda event: event.line)
            if event.kind not in ("start", "stop")
        ]
        return (
            f"{self.source}: {error.what}, so that which picture was shown when is not certain: "
            f"{'; '.join(found[:_LISTED])}{' ...' if len(found) > _LISTED else ''}. Name the right "
            f"messages in {recording.FILE}: `image_variable`, `onset_message`, `offset_message`"
        )


def _without_repeats(loads: Sequence[Event], offsets: Sequence[Event]) -> list[Event]:
    """Drops what loads the picture again that is on the screen."""
    kept: list[Event] = []
    for load in loads:
        again = kept and kept[-1].text == load.text
        if again and not any(kept[-1].at < offset.at <= load.at for offset in offsets):
            continue
        kept.append(load)
    return kept


def _apart(events: Sequence[Event]) -> list[Event]:
    """Events of different moments."""
    kept: list[Event] = []
    for event in events:
        if not kept or _distance(kept[-1].at, event.at) > _NEAR_MS:
            kept.append(event)
    return kept


def _overlaps(one: Shown, others: Sequence[Shown]) -> bool:
    return any(other.onset < one.offset and one.onset < other.offset for other in others)


def _distance(a: Moment, b: Moment) -> float:
    return abs(a[1] - b[1]) if a[0] == b[0] else float("inf")
