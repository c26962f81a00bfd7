"""Pictures to try the page with, where it knows some that suit the network."""

import pathlib

from tfds_builders.gaze_critters.gaze_critters_dataset_builder import Builder, observe

#: of split test, chosen for their looks: one class each, light and dark, broad and tall
_INDICES = (0, 5, 15, 22, 37, 45)


def write(dataset: str, folder: pathlib.Path) -> list[str]:
    """Renders examples for a network.

    Args:
        dataset: what the network was trained on, such as "gaze_critters/task/1.0.0".
        folder: gets the pictures.

    Returns:
        Files of pictures that the network has not seen in training; none unless it was trained
        on the rendered critters, the one data set that needs no files.
    """
    name, *config = dataset.split("/")
    configs = {known.name: known for known in Builder.BUILDER_CONFIGS if "test" in known.images}
    if name != "gaze_critters" or not config or config[0] not in configs:
        return []
    paths = []
    for index in _INDICES:
        scene, _ = observe(configs[config[0]], "test", index)
        path = folder / f"critter_{index:03d}.jpg"
        path.write_bytes(scene.jpeg())
        paths.append(str(path))
    return paths
