"""SalDogs: gaze of people who tell 120 breeds of dogs apart."""
