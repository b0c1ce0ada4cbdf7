"""ClickHouse: tables, rollups, queries (all SQL lives here), writing with tokens, reading, migrating, verifying.

Enters: rows of `rollups.rows`. Leaves: answers as plain rows.
Promised: every rollup equals the sum of its sessions or events.
"""
