"""Campaigns that try to break what runs: kills, full disks, hostile files, load.

Each is a script, bounded in count and in time by its flags, and speaks to nothing but the loopback.
docs/reliability.md has their figures.
"""
