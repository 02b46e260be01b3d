"""Benchmarks: time and memory of the main jobs, printed as tables (`make bench`).

Nothing is asserted: a time says as much about the machine as about the program. What must hold on
every machine, such as that a cached recording needs no torch, is a test elsewhere.
"""
