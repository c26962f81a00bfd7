"""What a reproduction consists of: commands, read from `<preset>.toml` beside this file."""

import dataclasses
import pathlib
import shlex
import tomllib
from collections.abc import Iterator, Sequence

from salclass_tf.config import PRESETS
from salclass_tf.runs.seeds import check_seeds

_WORKDIR, _SEEDS, _SEED, _FIRST_SEED = "{workdir}", "{seeds}", "{seed}", "{first_seed}"
_SALCLASS = ("-m", "salclass_tf")
#: command -> how Python runs it, and which flags of the whole plan it takes
_PROGRAMS = {
    "train": (_SALCLASS, ("data_dir", "manual_dir", "steps")),
    "evaluate": (_SALCLASS, ("data_dir", "manual_dir", "split")),
    "prepare": (_SALCLASS, ("data_dir", "manual_dir")),
    "copy": (("-m", "salclass_tf.runs.stage_copies"), ()),
    "release": (("-m", "salclass_tf.pretrained.released"), ()),
}


@dataclasses.dataclass(frozen=True)
class Place:
    """Where everything lies.

    Attributes:
        workdir: folder of the reproduction.
        data_dir: where prepared data sets live, None for TFDS' own place.
        manual_dir: folder of original files.
        split: split or slice that tables and figures take, None for the test part.
        steps: maximum number of steps of each stage of training, for a try-out; or None.
    """

    workdir: pathlib.Path
    data_dir: str | None = None
    manual_dir: str | None = None
    split: str | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        """Validates the values."""
        if self.steps is not None and self.steps < 1:
            raise ValueError(f"steps must be above 0; got {self.steps}")


@dataclasses.dataclass(frozen=True)
class Step:
    """One command, in a process of its own; given again, it keeps what it has done before.

    Attributes:
        name: of the step.
        command: with its flags; "{workdir}" stands for the work folder.
        makes: patterns of the files that are there when it is done.
        minutes: about how long it takes on two slow cores; None where nobody has measured it.
        table: number of the paper's table that it makes, or None.
        figure: number of the paper's figure that it draws, or "".
        models: of a table or figure: name in it -> file or folder in the work folder.
        datasets: likewise, TFDS names; claims are tested on the first.
        claims: pairs of methods, the first of which is better in the paper.
    """

    name: str
    command: tuple[str, ...]
    makes: tuple[str, ...] = ()
    minutes: float | None = None
    table: int | None = None
    figure: str = ""
    models: dict[str, str] = dataclasses.field(default_factory=dict)
    datasets: tuple[str, ...] = ()
    claims: tuple[tuple[str, str], ...] = ()

    def arguments(self, place: Place) -> list[str]:
        """Returns the arguments of Python, with the folders in their places."""
        program, taken = _PROGRAMS[self.command[0]]
        filled = [text.replace(_WORKDIR, str(place.workdir)) for text in self.command]
        given = {name: getattr(place, name) for name in taken}
        command = filled if program is _SALCLASS else filled[1:]
        return [*program, *command, *(f"--{k}={v}" for k, v in given.items() if v is not None)]

    def is_made(self, place: Place) -> bool:
        """Whether the files of the step are there."""
        return all(any(place.workdir.glob(pattern)) for pattern in self.makes)

    def __str__(self) -> str:
        """The command as it is typed in the work folder; models of a table are counted."""
        words = [text for text in self.command if not text.startswith("--model=")]
        typed = shlex.join(text.replace(f"{_WORKDIR}/", "") for text in words)
        count = f"{len(self.models)} model{'s'[: len(self.models) != 1]}"
        return f"{typed} (of {count})" if self.models else typed


@dataclasses.dataclass(frozen=True)
class Plan:
    """The steps of a preset in order.

    Attributes:
        preset: its name.
        seeds: of the networks that are compared.
        steps: in order.
        stands_for: in Markdown, what they stand for in the paper.
    """

    preset: str
    seeds: tuple[int, ...]
    steps: tuple[Step, ...]
    stands_for: str


def build_plan(preset: str, seeds: Sequence[int] | None = None) -> Plan:
    """Returns the steps of a preset, "demo" (embedded data, reduced width) or "paper" (Sec. 5).

    Args:
        preset: its name.
        seeds: of the networks that are compared, each at least 0; None for the preset's own.

    Raises:
        ValueError: for a preset that is not there, for no seeds, or for some that come twice.
    """
    if preset not in PRESETS:
        raise ValueError(f"unknown preset {preset!r}; choose one of {', '.join(PRESETS)}")
    text = pathlib.Path(__file__).with_name(f"{preset}.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    chosen = tuple(content["seeds"] if seeds is None else seeds)
    check_seeds(chosen)
    steps = tuple(step for facts in content["step"] for step in _steps(facts, chosen))
    return Plan(preset, chosen, steps, content["stands_for"])


def _steps(facts: dict, seeds: tuple[int, ...]) -> Iterator[Step]:
    """A step as the file has it, or the same one for each seed where its command has one seed."""
    words = {_SEEDS: ",".join(map(str, seeds)), _FIRST_SEED: str(seeds[0])}
    command = facts.get("command", "")
    if _SEED in command:
        for seed in seeds:
            one = _filled(facts, words | {_SEED: str(seed)})
            yield _step(one | {"name": f"{one['name']}, seed {seed}"})
        return
    every = [text.replace(_SEED, str(n)) for text in facts.get("makes", ()) for n in seeds]
    several = {"makes": list(dict.fromkeys(every))} if every else {}
    if _SEEDS in command and "minutes" in facts:
        several["minutes"] = facts["minutes"] * len(seeds)
    yield _step(_filled(facts | several, words))


def _filled(facts: object, words: dict[str, str]) -> object:
    """Facts with words in their places."""
    if isinstance(facts, dict):
        return {key: _filled(value, words) for key, value in facts.items()}
    if isinstance(facts, list):
        return [_filled(value, words) for value in facts]
    for place, word in words.items():
        facts = facts.replace(place, word) if isinstance(facts, str) else facts
    return facts


def _step(facts: dict) -> Step:
    """A step without places; the command of a table or figure follows from the rest."""
    facts = {k: tuple(v) if isinstance(v, list) else v for k, v in facts.items()}
    if "command" in facts:
        return Step(**facts | {"command": tuple(shlex.split(facts["command"]))})
    if "table" in facts:
        output, number = f"table{facts['table']}", facts["table"]
        name, makes, what = f"Table {number}", f"{output}/report.md", (f"--table={number}",)
    else:
        output, number = "pictures", facts["figure"]
        name, makes = f"Fig. {number}", f"{output}/fig{number}-*.png"
        what = (f"--figure={number}", "--images=5")
    models = (f"--model={m}={_WORKDIR}/{path}" for m, path in facts["models"].items())
    sets = f"--dataset={','.join(facts['datasets'])}"
    command = ("evaluate", *what, *models, sets, f"--output={_WORKDIR}/{output}")
    return Step(name, command, (makes,), **facts)
