"""CUB-GHA: gaze of people who tell bird species apart."""
