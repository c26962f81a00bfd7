"""COCO-FreeView for TensorFlow Datasets."""
