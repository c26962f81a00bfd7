"""A run of networks so small that a step takes no time."""

from salclass_tf import config

ADAM = config.Optimizer("adam", learning_rate=1e-3, weight_decay=((0, 0.0),))


def tiny_config(dataset: str, **numbers) -> config.Config:
    """Both networks from random weights; every stage on one set, for one step.

    Args:
        dataset: TFDS name.
        **numbers: of every `Stage`.
    """
    stage = config.Stage(dataset, ADAM, epochs=1, batch_size=4, crops=1, **numbers)
    return config.Config(
        preset="demo",
        stages=dict.fromkeys(config.STAGES, stage),
        detector="vgg16",
        classifier="vgg16",
        classifier_options={"vgg16": {"top": "pool"}},
        pretrain_detector=False,
        pretrain_classifier=False,
        compare_rgb=False,
        width=1 / 32,
        image_size=32,
        short_side=36,
        precision="float32",
        max_steps=1,
    )
