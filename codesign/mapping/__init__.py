"""From a workload and an architecture to jobs: who computes what, in which order, from where.

`map_workload` decides (fusion, tiles, cores, where tensors live); `lower` turns the decisions and
a trace into jobs with exact integer counts and cycles. Nothing here simulates.
"""

from codesign.mapping.jobs import Jobs
from codesign.mapping.lowering import arrange, lower, measure
from codesign.mapping.mapper import Mapping, map_workload

__all__ = ["Jobs", "Mapping", "arrange", "lower", "map_workload", "measure"]
