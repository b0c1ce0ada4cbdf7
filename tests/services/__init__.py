"""Real services for tests: addresses from the environment, containers, or servers started on this machine.

Enters: nothing but the environment. Leaves: addresses, by the fixtures of `tests/conftest.py`. Promised: what a test
session started ends with it, however it ends, and the session's last lines say what each suite really ran against.
"""
