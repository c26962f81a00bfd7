"""COCO-Search18 for TensorFlow Datasets."""
