"""Trains SalClassNet: `python train.py --stage=joint`."""

from salclass_tf.commands import train

if __name__ == "__main__":
    train.run()
