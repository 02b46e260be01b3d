"""Compares the kernel with the oracle on 1,000 random chips: `python -m tests.oracle`."""

import sys

import pytest

sys.exit(pytest.main(["-q", "-s", "tests/test_oracle.py"]))
