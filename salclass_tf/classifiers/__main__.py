"""Prints the table of docs/classifiers.md: `python -m salclass_tf.classifiers`."""

import keras

from salclass_tf import weights
from salclass_tf.classifiers import applications, build_classifier, list_classifiers, pixels
from salclass_tf.classifiers.public_files import public_file

_HEAD = """\
| name | smallest image | own size | parameters, RGB | parameters, RGBS | pixels | public file |
|---|--:|--:|--:|--:|---|---|"""

#: of the three that have modules of their own: smallest image, size of the published network
_OWN_SIZES = {"inception_v3": (75, 299), "vgg16": (32, 224), "vgg19": (32, 224)}

# MobileNetV3 leaves the sides open; its weights are of 224 pixels.
_LEFT_OPEN = 224


def row(name: str) -> str:
    """Returns the row of a classifier; networks get shapes and no values."""
    with keras.StatelessScope(initialize_variables=False):
        smallest, size = _sizes(name)
        rgb, rgbs = (
            build_classifier(name, saliency_input=takes_map, image_size=size).count_params()
            for takes_map in (False, True)
        )
    keras.backend.clear_session()  # it would initialize the networks later
    numbers = (f"{count:,}".replace(",", " ") for count in (rgb, rgbs))
    cells = [f"`{name}`", str(smallest), str(size), *numbers, *_files(name, size)]
    return f"| {' | '.join(cells)} |"


def _sizes(name: str) -> tuple[int, int]:
    """Sides of the smallest image that a network takes, and of those that it was published for."""
    if name in _OWN_SIZES:
        return _OWN_SIZES[name]
    shape = applications.NETWORKS[name](weights=None).input_shape
    return applications.smallest_image(name), shape[1] or _LEFT_OPEN


def _files(name: str, size: int) -> tuple[str, str]:
    """What it wants of pixels, and its file of weights with the kind of its checksum."""
    if name in _OWN_SIZES:
        how, file = ("signed" if name == "inception_v3" else "Caffe"), weights.PUBLIC_FILES[name]
    else:
        family = applications.family_of(name)
        how, file = pixels.manner(name, family), public_file(name, family, size)
    kind = "SHA-256" if file.sha256 else "MD5" if file.md5 else "no checksum"
    return how, f"`{file.name}`, {kind}"


if __name__ == "__main__":
    print(_HEAD)
    for each in list_classifiers():
        print(row(each), flush=True)
