"""iSUN: gaze of a crowd, recorded by webcam."""
