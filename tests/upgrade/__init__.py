"""The data folder of an earlier build, and what it answered: `python -m tests.upgrade.make` makes another."""
