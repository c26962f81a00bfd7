"""Options of networks and optimizers as a command line has them."""

import pytest

from salclass_tf.config import option_texts


def build(
    name: str,
    image_size: int = 299,
    width: float = 1.0,
    weights: str | None = None,
    convolutions: int | None = None,
    half_pixel: bool = False,
    spread: float = 1.0,
    top: str = "dense",
    letterbox: tuple[int, int] | None = None,
    seeds: tuple[int, ...] | None = None,
):
    """A builder with options of every type that builders have."""


def read(*texts):
    return option_texts.network_options(build, list(texts), "detector_options")


def test_values_have_the_types_of_the_builders_signature():
    assert read("convolutions=13", "half_pixel=true", "spread=11.4", "top=pool") == {
        "convolutions": 13,
        "half_pixel": True,
        "spread": 11.4,
        "top": "pool",
    }
    assert read("letterbox=240:320", "seeds=1:2:3") == {"letterbox": (240, 320), "seeds": (1, 2, 3)}
    assert read("convolutions=none", "half_pixel=0") == {"convolutions": None, "half_pixel": False}
    assert read() == {}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (
            "half_pixle=true",
            r"unknown option 'half_pixle' \(nearest: half_pixel\); options are conv",
        ),
        ("width=2", "unknown option 'width'"),  # it has a flag of its own
        ("convolutions", "as name=value; got 'convolutions'"),
        ("convolutions=1.5", "convolutions must be a whole number; got '1.5'"),
        ("half_pixel=maybe", "half_pixel must be true or false; got 'maybe'"),
        ("letterbox=240", "letterbox must be 2 values with colons between them; got '240'"),
        ("spread=wide", "spread must be a number; got 'wide'"),
    ],
)
def test_wrong_options_are_refused_with_what_there_is(text, named):
    with pytest.raises(ValueError, match=f"--detector_options.*{named}"):
        read(text)
    with pytest.raises(ValueError, match="each option once"):
        read("top=pool", "top=dense")


def test_optimizer_is_a_name_numbers_or_both():
    assert option_texts.optimizer_options(["adam"]) == {"name": "adam"}
    assert option_texts.optimizer_options(["dampening=0.9", "nesterov=true"]) == {
        "dampening": 0.9,
        "nesterov": True,
    }
    both = option_texts.optimizer_options(["sgd", "weight_decay=5e-4"])
    assert both == {"name": "sgd", "weight_decay": ((0, 5e-4),)}
    with pytest.raises(ValueError, match=r"one of sgd, adam.*got 'adma' \(nearest: adam\)"):
        option_texts.optimizer_options(["adma"])
    with pytest.raises(ValueError, match="unknown option 'steps'"):
        option_texts.optimizer_options(["steps=3"])
