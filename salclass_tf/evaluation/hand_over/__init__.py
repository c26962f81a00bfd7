"""Maps of any method on whole images, handed over to others: to pysaliency, to benchmarks."""
