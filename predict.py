"""Predicts images: `python predict.py photos/*.jpg`."""

from salclass_tf.commands import predict

if __name__ == "__main__":
    predict.run()
