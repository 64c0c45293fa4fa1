"""Measurements, not tests: `make bench` prints ratios taken in one run, never a pass or a fail."""
