"""Benchmarks: `make bench`, or `python -m bench NAME …` for some of them.

Figures come as ratios within one run wherever there is a peer: machines are noisy, ratios hold.
"""
