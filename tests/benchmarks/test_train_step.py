"""What the benchmark of steps reads from that of another revision."""

from benchmarks import train_step

OLD = """
| step | precision | batch | images/s | ratio to bare |
|---|---|--:|--:|--:|
| bare compiled step | float32 | 4 | 0.800 | 1.00 |
| training loop | float32 | 4 | 0.778 | 0.97 |
peak memory after the bare step 2.90 GiB
"""
NEW = """
| step | images/s, median | each turn | to the first row | peak memory, GiB |
|---|--:|---|--:|--:|
| bare | 0.789 | 0.789, 0.841 | 1.00 | 2.72 |
| loop | 0.782 | 0.763, 0.789 | 0.99 | 2.89 |
loop: step of the training loop: 4910 operations
"""


def test_rate_of_the_loop_is_read_from_every_form_of_the_table():
    assert train_step.loop_rate(OLD) == 0.778
    assert train_step.loop_rate(NEW) == 0.782
    assert train_step.loop_rate(OLD.replace("training loop", "another")) is None
