"""Which images may be published with something drawn on them, where not all of a set may."""

from collections.abc import Mapping

PERMITTED: Mapping[str, tuple[str, ...]] = {
    # Photographs of Flickr under licences of their own, which SALICON's JSON files list. These have
    # "Attribution"; others of the sample forbid derived works.
    "salicon/2014": (
        "COCO_train2014_000000123749",
        "COCO_train2014_000000123855",
        "COCO_train2014_000000123891",
        "COCO_train2014_000000123909",
    ),
}
"""Values of `image/id` by TFDS name; a set that is not listed is drawn in even steps."""
