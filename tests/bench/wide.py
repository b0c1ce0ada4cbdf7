"""`make bench ARGS=wide`: what an event costs in large batches, of one site and of ten thousand."""

from msgspec.structs import replace

from ingest.log.partition import hash31
from tests.bench.batch import counted, stores
from tests.bench.row import Row, parts
from tests.workers.place import events, taken

VISITORS, EACH, BATCHES = 4_000, 4, 4
APART = 30_000  # ms between two batches: visits go on


def measure() -> list[Row]:
    rows: list[Row] = []
    with stores() as (redis, clickhouse, pids):
        for number, sites in enumerate((1, 10_000)):
            with taken(f"{redis[:-1]}{number}", f"{clickhouse}/of_{sites}_sites") as place:
                spent = []
                for turn in range(BATCHES):
                    made = [
                        replace(
                            event,
                            site=f"{hash31('', event.visitor) % sites:06d}",
                            id=f"{turn}-{event.id}",
                            time=event.time + turn * APART,
                            received=event.received + turn * APART,
                        )
                        for event in events(VISITORS, EACH)
                    ]
                    spent.append(counted(place, place.append(made), pids))
            each = {name: sum(one[name] for one in spent) / BATCHES for name in spent[0]}
            size = VISITORS * EACH
            sums = [sum(one.values()) / size * 1e6 for one in spent]
            name = f"µs CPU an event, batches of {size:,} of {sites:,} site{'s' if sites > 1 else ''}"
            rows.append(Row(name, "", sums, parts(each, "µs", 1e6 / size)))
    return rows
