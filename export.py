"""Writes a trained network for TensorFlow Serving: `python export.py --workdir=runs/demo`."""

from salclass_tf.commands import export

if __name__ == "__main__":
    export.run()
