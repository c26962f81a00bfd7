"""Data sets in the HDF5 files of the package pysaliency, read and written."""
