"""Recording: a torch network and one input become a workload's graph and a trace of its spikes.

Importing this room imports torch; whoever only reads traces imports `codesign.trace`.
"""

from codesign.recording.recorder import capture

__all__ = ["capture"]
