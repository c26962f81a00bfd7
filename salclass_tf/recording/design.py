"""Who sees which picture, and when: seeded, balanced, no picture twice."""

from collections.abc import Mapping, Sequence

import numpy as np


def deal(
    classes: Mapping[str, Sequence[str]],
    people: Sequence[str],
    viewers_per_image: int,
    rng: np.random.Generator,
) -> dict[str, dict[str, float]]:
    """Deals pictures to people like cards.

    The copies of a picture follow one another in the pack, so that they go to different people;
    everybody's hand grows by a card in each round. In turn the copies of one picture come early,
    in the middle and late in the sessions of those who see it, so that tiredness is no property of
    a picture; and the pictures of a class are spread over the session.

    Args:
        classes: stems by class.
        people: codes.
        viewers_per_image: copies of each picture.
        rng: draws the order.

    Returns:
        For each person, the moment of each picture in the session, in [0, 1). Numbers of pictures,
        in all and of each class, differ by at most one between people.

    Raises:
        ValueError: if there are fewer people than copies, or too few copies of a class for
            everybody to see one.
    """
    _check(classes, people, viewers_per_image)
    order = [people[i] for i in rng.permutation(len(people))]
    hands: dict[str, dict[str, float]] = {person: {} for person in people}
    card = 0
    for stems in classes.values():
        begin = rng.random()
        for place, number in enumerate(rng.permutation(len(stems))):
            for copy in range(viewers_per_image):
                moment = begin + place / len(stems) + copy / viewers_per_image
                hands[order[card % len(order)]][stems[number]] = moment % 1
                card += 1
    return hands


def in_order(hand: Mapping[str, float], rng: np.random.Generator) -> list[str]:
    """Returns a person's pictures in the order of their moments; ties are drawn."""
    lots = dict(zip(sorted(hand), rng.random(len(hand)), strict=True))
    return sorted(hand, key=lambda stem: (round(hand[stem], 9), lots[stem]))


def blocks(stems: Sequence[str], largest: int) -> list[list[str]]:
    """Cuts a session by breaks into blocks that differ by at most one picture.

    Args:
        stems: in their order.
        largest: maximum number of pictures in a block.

    Returns:
        The blocks.
    """
    count = -(-len(stems) // largest)
    return [list(map(str, part)) for part in np.array_split(np.array(stems), count)]


def _check(
    classes: Mapping[str, Sequence[str]], people: Sequence[str], viewers_per_image: int
) -> None:
    if not 1 <= viewers_per_image <= len(people):
        raise ValueError(
            "an image's viewers must be at least 1, and no more than there are people, since "
            f"nobody sees a picture twice; got {viewers_per_image} of {len(people)}"
        )
    short = {
        name: len(stems)
        for name, stems in classes.items()
        if len(stems) * viewers_per_image < len(people)
    }
    if short:
        name, count = next(iter(short.items()))
        needed = -(-len(people) // viewers_per_image)
        raise ValueError(
            f"everybody must see every class: {len(people)} people with {viewers_per_image} "
            f"viewers an image need {needed} pictures of each class to record; {len(short)} have "
            f"fewer, first {name!r} with {count}. Add pictures, take fewer people, or more viewers "
            "an image"
        )
