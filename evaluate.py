"""Prints the paper's tables and draws its figures: `python evaluate.py --model=runs/demo`."""

from salclass_tf.commands import evaluate

if __name__ == "__main__":
    evaluate.run()
