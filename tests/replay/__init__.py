"""Functional replay: the jobs of a run, executed in integers in the order of its schedule.

Small networks get integer weights. `reference` computes them layer by layer; `machine` lets every
job read its part of the tensors when the schedule has it loaded, compute its tile, and write it
when the schedule has it stored, in memories of the size and with the places that the mapping
counts on. What is stored must be the reference bit for bit. A job that reads what is not there,
or no longer, raises a `HazardError`.
"""
