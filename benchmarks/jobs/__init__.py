"""The things that are measured: one module a job, run by `benchmarks.measure` in a process of its own."""
