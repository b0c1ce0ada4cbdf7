"""What the tables' engines depend on: one server, or a cluster of replicas."""

from dataclasses import dataclass

# The window must outlive every stalled worker and the longest outage: a token that has left it would count twice.
WINDOW = 100_000
WINDOW_SECONDS = 7 * 24 * 3600
# Longer than the kernel keeps anything unwritten (30 s).
OLD_PARTS_SECONDS = 60
# A server that has more broken parts than that refuses the table, with what is left of it, and everything else. They
# are set aside instead, and told (damage.py).
BROKEN = {"max_suspicious_broken_parts": 1_000_000, "max_suspicious_broken_parts_bytes": 1 << 50}


@dataclass(frozen=True)
class Engines:
    """`cluster`: name of the cluster for ON CLUSTER, "" for one server. `replicated`: Replicated* engines (the server's
    default replica path). `fsync`: what is in a table survives a power cut; replicas make that unnecessary."""

    cluster: str = ""
    replicated: bool = False
    fsync: bool = True

    @property
    def durable(self) -> dict[str, int]:
        """Settings that every table of this version has, the older ones too.

        With all of them parts, merged ones too, are on the disk with their names before anything is built on them or
        what they were merged from is removed. What was merged stays a while as a second copy, and no longer: it may
        hold somebody who was erased.
        """
        if not self.fsync:
            return {"fsync_after_insert": 0, "fsync_part_directory": 0, **BROKEN}
        return {
            "fsync_after_insert": 1,
            "fsync_part_directory": 1,
            "min_rows_to_fsync_after_merge": 1,
            "min_compressed_bytes_to_fsync_after_merge": 1,
            "old_parts_lifetime": OLD_PARTS_SECONDS,
            "max_cleanup_delay_period": OLD_PARTS_SECONDS,
            **BROKEN,
        }

    def fill(self, sql: str) -> str:
        """`sql` with its {on_cluster}, {replicated}, {window}, {life} and {durable} filled in."""
        if self.replicated:
            window = (
                f"replicated_deduplication_window = {WINDOW}, "
                f"replicated_deduplication_window_seconds = {WINDOW_SECONDS}"
            )
        else:
            window = f"non_replicated_deduplication_window = {WINDOW}"
        return (
            sql.replace("{on_cluster}", f"ON CLUSTER `{self.cluster}`" if self.cluster else "")
            .replace("{replicated}", "Replicated" if self.replicated else "")
            .replace("{window}", window)
            .replace("{life}", "ReplicatedMergeTree ORDER BY id" if self.replicated else "Memory")
            .replace("{durable}", ", ".join(f"{name} = {value}" for name, value in self.durable.items()))
        )


ONE_SERVER = Engines()
