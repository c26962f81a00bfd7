"""Runs the paper's experiments and writes a report: `python reproduce.py --preset=demo`."""

from salclass_tf.commands import reproduce

if __name__ == "__main__":
    reproduce.run()
