"""SalBirds: gaze of people who tell species of birds apart."""
