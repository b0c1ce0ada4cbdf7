"""The event log: partitions of records with increasing offsets, on Kafka or on Redis Streams.

Enters: records (JSON lines of one partition's events). Leaves: the same records, in order, to one member of the worker
group at a time. Promised: a record whose append returned is there after a crash; offsets only grow; one contract suite
holds both implementations to `protocol.py`.
"""
