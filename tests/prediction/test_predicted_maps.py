"""Predicted maps are those of evaluation: a folder of them scores as its network does."""

import json

import evaluated_run
import PIL.Image
import pytest
import tensorflow_datasets as tfds

from salclass_tf import prediction
from salclass_tf.data import sets
from salclass_tf.evaluation.tables import paper
from salclass_tf.evaluation.tables.paper import Settings

MEASURES = ("cc", "nss", "kl", "information_gain", "shuffled_auc")


@pytest.mark.parametrize(
    ("map_format", "view", "tolerance"),
    [("npy", "whole", 1e-6), ("png", "whole", 1e-4), ("npy", "crop", 0.1)],
)
def test_predicted_maps_score_as_their_network(
    map_format, view, tolerance, tmp_path, tiny_data_dir
):
    """On crops the maps have been resized to the image and back, on whole images not at all.

    What is left there is rounding: the network has answered twice, in batches of other sizes.
    """
    evaluated_run.write_run(tmp_path / "run", tiny_data_dir, ["saliency"])
    noise = sets.open_set("dotted_noise", tiny_data_dir)
    (tmp_path / "photos").mkdir()
    for example in tfds.as_numpy(noise.builder.as_dataset(split="test")):
        name = example["image/id"].decode()
        PIL.Image.fromarray(example["image"]).save(tmp_path / "photos" / f"{name}.png")
    names = tmp_path / "run" / "names.txt"
    model = prediction.load_run(tmp_path / "run", "saliency", class_names=names)
    found = prediction.find_images([str(tmp_path / "photos")], tmp_path / "out")
    prediction.predict(model, found, tmp_path / "out", map_format, view=view)
    settings = Settings(
        (str(tmp_path / "run" / "saliency"), f"its maps={tmp_path / 'out' / 'maps'}"),
        ("dotted_noise",),
        (4,),
        MEASURES,
        output=tmp_path / "tables",
        data_dir=tiny_data_dir,
        view=view,
    )
    paper.run(settings)
    rows = json.loads((tmp_path / "tables" / "table4.json").read_text())["rows"]
    scores = {row["labels"]["method"]: row["metrics"] for row in rows}
    for name in MEASURES:
        network, maps = (scores[method][name]["mean"] for method in ("detector vgg16", "its maps"))
        assert maps == pytest.approx(network, abs=tolerance), name
    content = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert min(one["map_low"] for one in content["predictions"]) < 0  # what 8 bits would clip
    shown = "whole images, own aspect, short side 46"
    assert content["maps"] == (shown if view == "whole" else "central crops")
    crops = {json.dumps(one["crop"]) for one in content["predictions"]}
    assert (crops == {"null"}) == (view == "whole")
