"""Maps that no network is needed for: functions of an image, or of its size alone."""
