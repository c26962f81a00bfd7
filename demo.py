"""Serves the demo page of an export: `python demo.py`, or `python -m demo`."""

from salclass_tf.commands import demo

if __name__ == "__main__":
    demo.run()
