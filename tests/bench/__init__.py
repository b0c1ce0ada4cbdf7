"""Benchmarks on real parts, run by `make bench`; numbers go to docs/benchmarks.md. Load goes to loopback only."""
