"""Pictures of the built data sets and the table of all, for `docs/datasets.md`."""
