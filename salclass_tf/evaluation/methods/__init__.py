"""What is evaluated: runs, exports, folders of maps and baselines, on crops of data sets."""
