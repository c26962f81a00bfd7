"""What the messages of a recording mean: the beginning of a trial, a picture, its name."""

import bisect
import dataclasses
import re
from collections.abc import Iterator, Sequence

from tfds_builders.gaze_folder import placement, recording
from tfds_builders.gaze_folder.readers import cells, columns

Moment = tuple[float, float]
"""Number of a stretch of recording and the tracker's time in it; n - 0.5 is before the nth."""

ONSET_MESSAGES = (
    "synctime",
    "display_on",
    "display on",
    "image_onset",
    "stimulus_onset",
    "stim_onset",
    "picture_onset",
)
"""How messages begin that a picture appeared, in lower case."""

OFFSET_MESSAGES = (
    "display_off",
    "display off",
    "blank_screen",
    "image_offset",
    "stimulus_offset",
    "stim_offset",
    "picture_offset",
    "!v clear",
)
"""How messages begin that it went, likewise."""

_BEGIN, _RESULT = ("trialid", "start_trial"), ("trial_result", "trial result", "stop_trial")
_LISTED = 8


@dataclasses.dataclass(frozen=True)
class Message:
    """A line of text that the experiment wrote into the recording.

    Attributes:
        time_ms: tracker clock.
        text: as written, without the time.
        line: where it stands in the file.
        stretch: number of the stretch of recording in which it stands; n - 0.5 before the nth.
    """

    time_ms: float
    text: str
    line: int
    stretch: float


@dataclasses.dataclass(frozen=True)
class Stretch:
    """From where the tracker began to record to where it stopped.

    Attributes:
        start_ms: tracker clock.
        end_ms: likewise.
        line: where it begins in the file.
        last_line: where it ends.
    """

    start_ms: float
    end_ms: float
    line: int
    last_line: int


@dataclasses.dataclass(frozen=True)
class Event:
    """A message or a limit of recording, understood.

    Attributes:
        kind: begin, result, start, stop, load, name, onset or offset.
        at: when.
        line: where it stands.
        text: the message; for load and name the stem.
        place: of a loaded picture.
    """

    kind: str
    at: Moment
    line: int
    text: str = ""
    place: placement.Place | None = None

    @property
    def is_recorded(self) -> bool:
        """Whether the tracker recorded then."""
        return self.at[0] == int(self.at[0])

    @property
    def names_picture(self) -> bool:
        """Whether a picture is named."""
        return self.kind in ("load", "name")


def understand(
    messages: Sequence[Message], stretches: Sequence[Stretch], facts: recording.Recording
) -> list[Event]:
    """Tells what messages mean.

    Args:
        messages: in the order of the file.
        stretches: when the tracker recorded, in the order of the file.
        facts: names of the variable and the messages, where they are not the usual ones.

    Returns:
        Events in the order of the file, beginnings and ends of recording among them.
    """
    vocabulary = _Vocabulary(facts)
    events = []
    for message in messages:
        if event := vocabulary.event(message, stretches):
            events.append(event)
    for number, stretch in enumerate(stretches):
        events.append(Event("start", (number, stretch.start_ms), stretch.line))
        events.append(Event("stop", (number, stretch.end_ms), stretch.last_line))
    return sorted(events, key=lambda event: event.line)


def hint(messages: Sequence[Message]) -> str:
    """What messages offer to name pictures by, for an error.

    Args:
        messages: of a recording.

    Returns:
        Their variables with the number of values, their first words, and the remedy.
    """
    variables: dict[str, set[str]] = {}
    for message in messages:
        if found := _variable(message.text):
            variables.setdefault(found[0], set()).add(found[1])
    by_count = sorted(variables.items(), key=lambda item: -len(item[1]))
    told = [f"{name} ({len(values)} values)" for name, values in by_count]
    texts = dict.fromkeys(
        " ".join(_without_delay(message.text)[1].split()[:2])
        for message in messages
        if not message.text.startswith("!CAL") and not _variable(message.text)
    )
    return (
        f"its variables: {', '.join(told[:_LISTED]) or 'none'}; its messages: "
        f"{', '.join(list(texts)[:_LISTED]) or 'none'}. Name the right ones in "
        f"{recording.FILE}: `image_variable`, `onset_message`, `offset_message`"
    )


def rectangle(how: str, numbers: Sequence[str]) -> placement.Place | None:
    """Reads a rectangle of the screen.

    Args:
        how: `CORNERS` (of the first and last pixel), `CENTER` or `TOP_LEFT`, with a size.
        numbers: four numbers as text.

    Returns:
        The rectangle; None if the message has not all that tells it.
    """
    try:
        x, y, width, height = map(float, numbers[:4])
        if how == "CORNERS":  # of the last pixel, in place of the size
            return placement.Place(x, y, width - x + 1, height - y + 1)
        if how == "CENTER":
            return placement.Place(x - width / 2, y - height / 2, width, height)
        return placement.Place(x, y, width, height) if how == "TOP_LEFT" else None
    except ValueError:
        return None


def stretch_of(lines: Sequence[int], stretches: Sequence[Stretch]) -> Iterator[float]:
    """Tells in which stretch of recording lines of a file stand.

    Args:
        lines: numbers of lines.
        stretches: in the order of the file.

    Yields:
        The number of the stretch, or n - 0.5 before the nth.
    """
    begins = [stretch.line for stretch in stretches]
    for line in lines:
        number = bisect.bisect_right(begins, line) - 1
        inside = number >= 0 and line <= stretches[number].last_line
        yield number if inside else number + 0.5


class _Vocabulary:
    """The words of an experiment; `DISPLAY_COORDS` tells the screen for later messages."""

    def __init__(self, facts: recording.Recording) -> None:
        onset, offset = facts.onset_message, facts.offset_message
        self._beginnings = {
            "onset": (onset.lower(),) if onset else ONSET_MESSAGES,
            "offset": (offset.lower(),) if offset else OFFSET_MESSAGES,
            "begin": _BEGIN,
            "result": _RESULT,
        }
        self._variable = facts.image_variable
        own = facts.image_variable
        self._names = (own.lower(),) if own else columns.IMAGE_NAMES
        self._screen: placement.Place | None = None

    def event(self, message: Message, stretches: Sequence[Stretch]) -> Event | None:
        """What a message means; None if nothing here."""
        delay, text = _without_delay(message.text)
        at = _moment(message, message.time_ms - delay, stretches)
        words = text.split()
        if words[:1] and words[0] in ("GAZE_COORDS", "DISPLAY_COORDS"):
            self._screen = rectangle("CORNERS", words[1:]) or self._screen
        for kind, beginnings in self._beginnings.items():
            if any(_begins(text.lower(), beginning) for beginning in beginnings):
                return Event(kind, at, message.line, text)
        if words[:2] == ["!V", "IMGLOAD"] and len(words) > 3:
            how, name, *numbers = words[2:]
            place = self._screen if how == "FILL" else rectangle(how, numbers)
            return Event("load", at, message.line, cells.stem_of(name), place)
        found = _variable(text, self._variable)
        if found and found[0].lower() in self._names:
            if found[1].lower() not in ("", "na", "none", "."):
                return Event("name", at, message.line, cells.stem_of(found[1]))
        return None


def _moment(message: Message, time: float, stretches: Sequence[Stretch]) -> Moment:
    """When a message was sent: within its stretch of recording, whatever its number says."""
    if message.stretch != int(message.stretch):
        return message.stretch, time
    stretch = stretches[int(message.stretch)]
    return message.stretch, min(max(time, stretch.start_ms), stretch.end_ms)


def _without_delay(text: str) -> tuple[float, str]:
    """Splits off the milliseconds by which a message was sent late, with which it may begin."""
    text = text.strip()
    first, _, rest = text.partition(" ")
    is_delay = bool(rest) and re.fullmatch(r"-?\d+", first)
    return (float(first), rest.strip()) if is_delay else (0.0, text)


def _variable(text: str, own: str | None = None) -> tuple[str, str] | None:
    """Name and value of a variable, as `!V TRIAL_VAR name value`, `var name value` say it."""
    text = _without_delay(text)[1]
    words = text.split()
    if words[:2] == ["!V", "TRIAL_VAR"] and len(words) > 3:
        return words[2], " ".join(words[3:])
    if words[:1] == ["var"] and len(words) > 2:
        return words[1], " ".join(words[2:])
    name, *value = re.split(r"[\s:=]+", text, maxsplit=1)
    return (name, value[0].strip()) if own and value and name.lower() == own.lower() else None


def _begins(text: str, beginning: str) -> bool:
    """Whether a message is the given one, or goes on behind it."""
    return text == beginning or text.startswith((f"{beginning} ", f"{beginning}:"))
