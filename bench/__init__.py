"""Benchmarks: what a request costs in CPU, as a multiple of a static answer of the same size.

``python -m bench --help`` lists what can be measured; README.md in this folder says how to read the figures.
"""
