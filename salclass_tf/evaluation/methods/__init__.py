"""What is evaluated: runs, exports, maps and baselines, on crops or whole images of data sets."""
