"""ClickHouse: tables, rollups, queries (all SQL lives here, one statement a file), writing with tokens, reading, verifying.

Enters: rows of `rollups.rows`. Leaves: answers as plain rows. Promised: every rollup equals the sum of its sessions or events.
"""
