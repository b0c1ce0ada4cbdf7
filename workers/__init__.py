"""Events → sessions → rows.

Enters: records of the event log. Leaves: rows of `rollups.rows` in ClickHouse. Promised: every batch is decided once, in
ClickHouse, and counts once, whatever crashes; sessions are a pure function of a visitor's set of events.
"""
