"""Writes a trained network for TensorFlow Serving: `salclass export --workdir=runs/demo`."""

from absl import flags

from salclass_tf import commandline, config

flags.DEFINE_string("workdir", "runs/demo", "Folder of the run.")
flags.DEFINE_enum("stage", "joint", config.STAGES, "The stage whose network is exported.")
flags.DEFINE_string("export_dir", None, "Folder of the versions; default: export/<stage>.")
flags.DEFINE_enum("precision", "float32", ("float32", "bfloat16"), "Arithmetic of the server.")
flags.DEFINE_list("formats", ["saved_model"], "saved_model, and onnx, tflite, openvino beside it.")
flags.DEFINE_string(
    "calibrate",
    None,
    "A data set, or a folder of images: tflite in 8-bit integers too, calibrated on these.",
)
flags.DEFINE_integer("top_k", 5, "How many classes an answer names.")
flags.DEFINE_integer("max_pixels", 25_000_000, "The most that an image of a request may have.")
flags.DEFINE_integer("max_batch", 32, "The most images that a request may have.")
flags.DEFINE_string("data_dir", None, "Prepared data sets, for the names of the classes.")
flags.DEFINE_string("class_names", None, "File with a class name per line, in place of those.")


def main():
    """Turns flags into settings and exports."""
    from salclass_tf import serving  # imports TensorFlow: after the flags are known to be right

    given = flags.FLAGS
    settings = serving.Settings(
        precision=given.precision,
        top_k=given.top_k,
        max_pixels=given.max_pixels,
        max_batch=given.max_batch,
        formats=tuple(given.formats),
        calibrate=given.calibrate,
    )
    export_dir = given.export_dir or f"export/{given.stage}"
    version = serving.export(
        given.workdir, given.stage, export_dir, settings, given.data_dir, given.class_names
    )
    print(f"Exported: {version}")


def run():
    """Parses the command line and runs the command."""
    commandline.run(main)
