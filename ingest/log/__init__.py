"""The event log: partitions of records with increasing offsets, on Kafka or on Redis Streams (one protocol, one contract suite)."""
