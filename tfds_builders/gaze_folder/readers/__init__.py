"""Readers of eye trackers' exports: one kind a file, all of them listed in `formats`."""
