"""Alarms that come to somebody: what is looked at, what it means, and how it is told, once when it begins and ends.

Enters: the settings. Leaves: messages to a webhook and by mail, and gauges for Prometheus. Promised: a message that
nobody took is tried again, in order; none holds a secret or anything about a visitor.
"""
