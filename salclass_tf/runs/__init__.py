"""Run folders: the one place that reads finished stages and writes whole files."""
