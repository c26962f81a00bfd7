"""What a reproduction consists of: commands, read from `<preset>.toml` beside this file."""

import dataclasses
import pathlib
import shlex
import tomllib

from salclass_tf.config import PRESETS

_WORKDIR = "{workdir}"
_SALCLASS = ("-m", "salclass_tf.commands")
#: command -> how Python runs it, and which flags of the whole plan it takes
_PROGRAMS = {
    "train": (_SALCLASS, ("data_dir", "manual_dir", "steps")),
    "evaluate": (_SALCLASS, ("data_dir", "manual_dir", "split")),
    "prepare": (("-m", "salclass_tf.reproduction.preparing"), ("data_dir", "manual_dir")),
    "copy": (("-m", "salclass_tf.reproduction.preparing"), ()),
    "release": (("-m", "salclass_tf.pretrained.released"), ()),
}


@dataclasses.dataclass(frozen=True)
class Place:
    """Where everything lies.

    Attributes:
        workdir: folder of the reproduction.
        data_dir: where prepared data sets live, None for TFDS' own place.
        manual_dir: folder of original files, for sets that are not downloaded.
        split: split or slice that tables and figures take, None for the test part.
        steps: maximum number of steps of each stage of training, for a try-out; or None.

    Raises:
        ValueError: if `steps` is below 1.
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
        return [*program, *filled, *(f"--{k}={v}" for k, v in given.items() if v is not None)]

    def is_made(self, place: Place) -> bool:
        """Whether the files of the step are there."""
        return all(any(place.workdir.glob(pattern)) for pattern in self.makes)

    def __str__(self) -> str:
        """The command as it is typed in the work folder."""
        return shlex.join(text.replace(f"{_WORKDIR}/", "") for text in self.command)


@dataclasses.dataclass(frozen=True)
class Plan:
    """A reproduction.

    Attributes:
        preset: name of the preset.
        steps: each after those whose files it takes.
        stands_for: what this preset's sets and networks stand for in the paper, Markdown.
    """

    preset: str
    steps: tuple[Step, ...]
    stands_for: str


def build_plan(preset: str) -> Plan:
    """Returns the steps of a preset.

    Args:
        preset: "demo" (embedded data, reduced width) or "paper" (Sec. 5).

    Raises:
        ValueError: for a preset that is not there.
    """
    if preset not in PRESETS:
        raise ValueError(f"unknown preset {preset!r}; choose one of {', '.join(PRESETS)}")
    text = pathlib.Path(__file__).with_name(f"{preset}.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    return Plan(preset, tuple(map(_step, content["step"])), content["stands_for"])


def _step(facts: dict) -> Step:
    """A step as the file has it; the command of a table or figure follows from the rest."""
    facts = {k: tuple(v) if isinstance(v, list) else v for k, v in facts.items()}
    if "command" in facts:
        return Step(**facts | {"command": tuple(shlex.split(facts["command"]))})
    if "table" in facts:
        name, what, output = f"Table {facts['table']}", f"--table={facts['table']}", "table{}"
        output, makes = output.format(facts["table"]), (f"table{facts['table']}/report.md",)
    else:
        name, what, output = f"Fig. {facts['figure']}", f"--figure={facts['figure']}", "pictures"
        makes, facts["command"] = (f"pictures/fig{facts['figure']}-*.png",), ("--images=5",)
    command = ("evaluate", what, *facts.pop("command", ()), f"--output={_WORKDIR}/{output}")
    command += tuple(f"--model={n}={_WORKDIR}/{path}" for n, path in facts["models"].items())
    command += (f"--dataset={','.join(facts['datasets'])}",)
    claims = tuple(map(tuple, facts.pop("claims", ())))
    return Step(name, command, makes, claims=claims, **facts)
