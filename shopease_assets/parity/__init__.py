"""Does the lake hold what the source holds? Counts, sums and row hashes from both sides, and a certificate of it.

No Dagster and no settings here: the CLI hands over a lake, a snapshot of the source, and the days.
"""
