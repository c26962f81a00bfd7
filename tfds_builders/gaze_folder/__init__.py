"""Gaze of your own: a folder of images with fixations, heat maps or an eye tracker's samples."""
