"""Records gaze on pictures that people recognise: `python record.py --images=photos --out=rec`."""

from salclass_tf.commands import record

if __name__ == "__main__":
    record.run()
