"""Ratios of the platform against floors and peers, measured on one generated database. Not part of the tests.

`python -m benchmarks` prints them, and `python -m benchmarks.months` how the monthly tables grow; what is measured lies
in `jobs`, each job a process of its own.
"""
