"""One script per claim about speed; each prints a table with ratios measured in one run."""
