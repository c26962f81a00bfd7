"""Prediction of very many images, as an Apache Beam pipeline that leaves shards."""
