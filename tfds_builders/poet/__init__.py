"""POET: gaze of people who tell two kinds of objects apart in photographs of PASCAL VOC."""
