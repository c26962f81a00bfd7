"""How large the published sets are, built here or not."""

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Published:
    """Size of a whole set as its authors describe or offer it.

    Attributes:
        images: number of images by split; under `all` where the authors ship no split; empty for a
            set of ours.
        fixations: in the published files, before a builder drops any; None where that is not known
            or not public.
    """

    images: Mapping[str, int]
    fixations: int | None = None


_SALICON = {"train": 10_000, "validation": 5_000, "test": 5_000}

# In the order of the paper's Table 3, whose numbers these are for `isun`, `imgsal`, the split of
# `poet` and the three sets of the paper. Fixations were counted in the original files (`osie`,
# `eyecrowd`, `figrim`, `poet`, `cub_gha`), are those that pysaliency's tests expect of them, or
# what others count in the public part of `coco_freeview`, whose authors speak of 822,602 in all.
PUBLISHED: Mapping[str, Published] = {
    "salicon/2017": Published(_SALICON, 4_598_112 + 2_576_914),
    "salicon/2015": Published(_SALICON, 3_171_533 + 1_662_655),
    "salicon/2014": Published(_SALICON),
    "isun": Published({"train": 6_000, "validation": 926, "test": 2_000}),
    "mit1003": Published({"all": 1_003}, 104_171),
    "mit300": Published({"test": 300}),
    "cat2000": Published({"train": 2_000, "test": 2_000}, 667_804),
    "figrim/fillers": Published({"all": 2_157}, 242_177),
    "figrim/targets": Published({"all": 630}, 182_535),
    "eyecrowd": Published({"all": 500}, 126_348),
    "osie": Published({"all": 700}, 98_321),
    "pascal_s": Published({"all": 850}, 40_314),
    "coco_freeview": Published({"train": 3_714, "validation": 603, "test": 1_000}, 665_005),
    "imgsal": Published({"all": 235}),
    "poet": Published({"train": 441, "test": 5_829}, 128_404),
    "cub_gha": Published({"train": 5_994, "test": 5_794}, 442_629),
    "coco_search18/present": Published({"all": 3_101}),
    "coco_search18/absent": Published({"all": 3_101}),
    "saldogs": Published({"train": 8_005, "validation": 928, "test": 928}),
    "salbirds": Published({"test": 400}),
    "salflowers": Published({"test": 400}),
    "gaze_critters/task": Published({}),
    "gaze_critters/free_viewing": Published({}),
}
"""Sizes by TFDS name, with the configuration where a set has several."""
