"""What the tables' engines depend on: one server, or a cluster of replicas."""

from dataclasses import dataclass

# The window must outlive every stalled worker and the longest outage: a token that has left it would count twice.
WINDOW = 100_000
WINDOW_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True)
class Engines:
    """`cluster`: name of the cluster for ON CLUSTER, "" for one server. `replicated`: Replicated* engines (the server's
    default replica path). `fsync`: an acknowledged insert survives a power cut; replicas make that unnecessary."""

    cluster: str = ""
    replicated: bool = False
    fsync: bool = True

    def fill(self, sql: str) -> str:
        """`sql` with its {on_cluster}, {replicated}, {window}, {life} and {durable} filled in."""
        if self.replicated:
            window = (
                f"replicated_deduplication_window = {WINDOW}, "
                f"replicated_deduplication_window_seconds = {WINDOW_SECONDS}"
            )
        else:
            window = f"non_replicated_deduplication_window = {WINDOW}"
        flag = int(self.fsync)
        return (
            sql.replace("{on_cluster}", f"ON CLUSTER `{self.cluster}`" if self.cluster else "")
            .replace("{replicated}", "Replicated" if self.replicated else "")
            .replace("{window}", window)
            .replace("{life}", "ReplicatedMergeTree ORDER BY id" if self.replicated else "Memory")
            .replace("{durable}", f"fsync_after_insert = {flag}, fsync_part_directory = {flag}")
        )


ONE_SERVER = Engines()
