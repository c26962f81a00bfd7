"""Serves the demo page of an export: `salclass demo`."""

import os
import pathlib
import signal
import sys
import tempfile

from absl import flags

from salclass_tf import commandline

flags.DEFINE_string("export_dir", "export/joint", "Folder of the versions, or of one of them.")
flags.DEFINE_string("host", "127.0.0.1", "Address to listen at; 0.0.0.0 is every one there is.")
flags.DEFINE_integer("port", 7860, "Port to listen at.", lower_bound=1, upper_bound=65535)
flags.DEFINE_integer("max_megabytes", 10, "The largest file that is taken.", lower_bound=1)

_SILENT = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
}


def main():
    """Turns flags into a page and serves it until it is interrupted."""
    os.environ.update(_SILENT)  # before Gradio is imported
    # As Ctrl-C does it, so that the pictures of visitors do not stay behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with tempfile.TemporaryDirectory(prefix="salclass-demo-") as scratch:
        upload_folder = pathlib.Path(scratch, "uploads")
        os.environ["GRADIO_TEMP_DIR"] = str(upload_folder)
        _serve(pathlib.Path(scratch), upload_folder)


def _serve(scratch: pathlib.Path, upload_folder: pathlib.Path) -> None:
    """Serves the page; `scratch` is for its examples, the other for pictures of its visitors."""
    given = flags.FLAGS
    try:
        from salclass_tf.demo_page import page
    except ModuleNotFoundError as error:
        raise ValueError(
            f"{error.name} is not installed; the demo page needs it: "
            "pip install -r requirements-demo.txt, or salclass-tf[demo]"
        ) from None
    from salclass_tf.demo_page import examples, served

    loaded = served.load(given.export_dir)
    pictures = examples.write(loaded.card["data"], scratch)
    shown = page.build(loaded, pictures, upload_folder, given.max_megabytes)
    print(f"Model: {loaded.model.name}")
    page.launch(shown, given.host, given.port, given.max_megabytes)


def run():
    """Parses the command line and runs the command."""
    commandline.run(main)
