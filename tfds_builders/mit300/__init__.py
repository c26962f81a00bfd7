"""MIT300: the photographs of a benchmark whose gaze is held back."""
