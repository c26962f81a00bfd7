"""The plan of an experiment: every person's pictures, written before the first one appears."""

import dataclasses
import hashlib
import json
import os
import pathlib
from collections.abc import Sequence

import numpy as np

from salclass_tf.recording import design, pictures, protocol
from salclass_tf.runs import files

FILE = "plan.json"
_MOST_CLASSES = 120


@dataclasses.dataclass(frozen=True)
class PersonPlan:
    """One person's way through the experiment.

    Attributes:
        training: stems of each round of training, in order; as many rounds as there may be.
        blocks: stems of each block, in order.
        probes: stems asked about after each block of the task "memory"; otherwise empty lists.
    """

    training: tuple[tuple[str, ...], ...]
    blocks: tuple[tuple[str, ...], ...]
    probes: tuple[tuple[str, ...], ...]

    @property
    def stems(self) -> tuple[str, ...]:
        """All pictures to record, in order."""
        return tuple(stem for block in self.blocks for stem in block)


@dataclasses.dataclass(frozen=True)
class Plan:
    """An experiment.

    Attributes:
        protocol: what happens in a trial.
        seed: decides all that is drawn.
        viewers_per_image: people who see each picture.
        pictures: those to record, by stem.
        set_aside: those of training, and the new ones of "memory", by stem.
        people: plans by the person's code.
    """

    protocol: protocol.Protocol
    seed: int
    viewers_per_image: int
    pictures: dict[str, pictures.Picture]
    set_aside: dict[str, pictures.Picture]
    people: dict[str, PersonPlan]

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, sorted."""
        return tuple(sorted({picture.class_name for picture in self.pictures.values()}))

    @property
    def digest(self) -> str:
        """64 hexadecimal digits that another plan does not have."""
        return hashlib.sha256(json.dumps(_to_dict(self), sort_keys=True).encode()).hexdigest()

    def picture(self, stem: str) -> pictures.Picture:
        """Looks a picture up, recorded or set aside."""
        return self.pictures.get(stem) or self.set_aside[stem]

    def person(self, code: str) -> PersonPlan:
        """Looks a person up.

        Raises:
            ValueError: if the plan has no such person.
        """
        if code not in self.people:
            raise ValueError(
                f"the plan has the people {', '.join(self.people)}; got {code!r}. A person beyond "
                "them needs another plan, in another folder"
            )
        return self.people[code]


def make_plan(
    found: dict[str, pictures.Picture],
    rules: protocol.Protocol,
    *,
    people: int,
    viewers_per_image: int,
    seed: int = 0,
) -> Plan:
    """Plans an experiment.

    Args:
        found: all pictures by stem.
        rules: the protocol.
        people: how many take part; their codes are p01, p02, ...
        viewers_per_image: how many of them see each picture.
        seed: the same one gives the same plan.

    Returns:
        The plan: everybody sees every class, nobody a picture twice, and each picture is seen by
        `viewers_per_image` people.

    Raises:
        ValueError: if the pictures do not suffice for that.
    """
    classes = pictures.by_class(found)
    _check_classes(classes, rules)
    rng = np.random.default_rng(seed)
    aside, recorded = _set_aside(classes, rules.set_aside, rng)
    width = max(2, len(str(people)))
    codes = [f"p{number:0{width}d}" for number in range(1, people + 1)]
    hands = design.deal(recorded, codes, viewers_per_image, rng)
    plans = {code: _person(hands[code], aside, rules, rng) for code in codes}
    kept = {stem for stems in recorded.values() for stem in stems}
    return Plan(
        protocol=rules,
        seed=seed,
        viewers_per_image=viewers_per_image,
        pictures={stem: found[stem] for stem in sorted(kept)},
        set_aside={stem: found[stem] for stem in sorted(aside)},
        people=plans,
    )


def write_plan(plan: Plan, folder: str | os.PathLike) -> None:
    """Writes `plan.json`, whole or not at all."""
    files.write_json(pathlib.Path(folder) / FILE, _to_dict(plan))


def read_plan(folder: str | os.PathLike) -> Plan:
    """Reads `plan.json`.

    Args:
        folder: of the recording.

    Returns:
        The plan.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is damaged.
    """
    path = pathlib.Path(folder) / FILE
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there; plan the experiment first, with --images")
    try:
        stored = json.loads(path.read_text("utf-8"))
        people = {
            code: PersonPlan(**{k: tuple(map(tuple, v)) for k, v in person.items()})
            for code, person in stored.pop("people").items()
        }
        known = {
            name: {stem: pictures.Picture(stem, **p) for stem, p in stored.pop(name).items()}
            for name in ("pictures", "set_aside")
        }
        rules = protocol.from_dict(stored.pop("protocol"))
        return Plan(protocol=rules, people=people, **known, **stored)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged ({error!r}); restore it from a copy") from error


def _to_dict(plan: Plan) -> dict:
    """The content of `plan.json`."""
    stored = dataclasses.asdict(plan)
    for name in ("pictures", "set_aside"):
        for picture in stored[name].values():
            del picture["stem"]
    return stored


def _check_classes(classes: dict[str, list[str]], rules: protocol.Protocol) -> None:
    """Checks the number of classes, and that each has a picture left to record."""
    if rules.task == "classification" and not 2 <= len(classes) <= _MOST_CLASSES:
        raise ValueError(
            f"classification needs 2 to {_MOST_CLASSES} classes; got {len(classes)}: "
            f"{', '.join(list(classes)[:3])}. Add folders of classes, or choose another task"
        )
    short = {name: len(stems) for name, stems in classes.items() if len(stems) <= rules.set_aside}
    if short:
        name, count = next(iter(short.items()))
        remedy = {
            "classification": "lower `training_pictures` or set `training_rounds` to 0",
            "memory": "set `probe_pictures` to 0",
        }[rules.task]
        raise ValueError(
            f"each class must have {rules.set_aside + 1} pictures or more: {rules.set_aside} are "
            f"set aside; {len(short)} have fewer, first {name!r} with {count}. Add pictures, or "
            f"{remedy} in the protocol"
        )


def _set_aside(
    classes: dict[str, list[str]], count: int, rng: np.random.Generator
) -> tuple[list[str], dict[str, list[str]]]:
    """Draws the pictures of each class that are not recorded."""
    aside: list[str] = []
    recorded: dict[str, list[str]] = {}
    for name, stems in classes.items():
        drawn = [stems[i] for i in rng.permutation(len(stems))]
        aside += drawn[:count]
        recorded[name] = sorted(drawn[count:])
    return sorted(aside), recorded


def _person(
    hand: dict[str, float],
    aside: Sequence[str],
    rules: protocol.Protocol,
    rng: np.random.Generator,
) -> PersonPlan:
    rounds = rules.training_rounds if rules.has_training and aside else 0
    training = tuple(_shuffled(aside, rng) for _ in range(rounds))
    blocks = tuple(map(tuple, design.blocks(design.in_order(hand, rng), rules.block_size)))
    probes: tuple[tuple[str, ...], ...] = ((),) * len(blocks)
    if rules.task == "memory" and aside:
        probes = _probes(blocks, aside, rules.probe_pictures, rng)
    return PersonPlan(training, blocks, probes)


def _probes(
    blocks: Sequence[Sequence[str]], aside: Sequence[str], count: int, rng: np.random.Generator
) -> tuple[tuple[str, ...], ...]:
    """Draws old and new pictures for each block; no new picture is asked about twice."""
    new = list(_shuffled(aside, rng))
    probes = []
    for number, block in enumerate(blocks):
        fresh = new[: min(count // 2, len(new) // (len(blocks) - number))]
        new = new[len(fresh) :]
        old = _shuffled(block, rng)[: len(fresh)]
        probes.append(_shuffled([*old, *fresh], rng))
    return tuple(probes)


def _shuffled(stems: Sequence[str], rng: np.random.Generator) -> tuple[str, ...]:
    return tuple(stems[i] for i in rng.permutation(len(stems)))
