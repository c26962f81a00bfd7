"""Optimizers and learning-rate schedules of the paper's protocol."""
