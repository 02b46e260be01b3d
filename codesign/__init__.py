"""Hardware-aware co-design simulator for dual-stream spiking neural networks."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("codesign")
except PackageNotFoundError:  # the sources were put on the path without an installation
    __version__ = "0+unknown"
