"""Rendered critters with simulated gaze: the data set that needs no download."""
