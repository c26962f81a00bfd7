"""SalClassNet for Keras: saliency detection driven by visual classification."""

import os

# TensorFlow chooses oneDNN's kernels by itself on the newest CPUs alone; with AVX2 they halve a
# training step too. To be set before TensorFlow is imported; what a user has set stays.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
