"""FIGRIM: gaze of people who memorise scenes."""
