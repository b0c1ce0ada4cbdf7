"""Files → events on the log: what `throughline import` does.

Enters: access logs and event files, plain or compressed. Leaves: admitted events on the log, oldest first.
Promised: a line counts once however often its file is imported, however it was rotated and in whatever order; what is
left out is told by reason.
"""
