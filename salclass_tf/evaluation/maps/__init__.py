"""Saliency maps scored against recorded gaze."""
