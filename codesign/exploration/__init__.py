"""Design-space exploration: one workload or several on very many chips.

A sweep (`codesign.specs.sweep`) says what is changed and what is wanted; its points are designs,
each a workload on a chip. Data flows from points over bounds and simulation into one table, from
which fronts, effects and the best designs follow.
"""
