"""A session that grew at its end, as nearly every one does: its written row with what came, not one made from all."""

from collections.abc import Sequence

from ingest.contract.event import ENGAGEMENT, PAGEVIEW
from rollups.rows import SessionRow
from workers.bucket import bucket
from workers.memory import Item
from workers.names import Names
from workers.rows import Limits, custom_columns, sold_columns


def grown(
    row: SessionRow, old: Sequence[Item], new: Sequence[Item], limits: Limits, version: int, names: Names
) -> SessionRow | None:
    """What `rows.session_row` makes of the items `old` and then `new`, from the row of `old`.

    None where something of the old part would change, so that it must be made from all: the first pageview says where
    the visitor came from, and one may take over the engagement that came before it.
    """
    name = names.day(row.site, row.start).name
    pages: list[str] = []
    times: list[int] = []
    depths, engaged = list(row.pv_depth), list(row.pv_engaged_ms)
    custom: list[Item] = []
    sold: list[Item] = []
    total, passive = row.engaged_ms, 0
    for at, item in enumerate(new):
        if item.type == PAGEVIEW:
            if not row.pageviews or (item.view and _reported(item.view, old, new[:at])):
                return None
            pages.append(name("page", item.page))
            times.append(item.time)
            depths.append(-1 if item.scroll is None else item.scroll)
            engaged.append(0)
        elif item.type == ENGAGEMENT:
            passive += 1
            if item.engaged_ms is not None:
                total = (total or 0) + item.engaged_ms
            credited = _credited(item, old, new[:at], len(depths))
            if credited is not None:
                if item.scroll is not None and item.scroll > depths[credited]:
                    depths[credited] = item.scroll
                engaged[credited] += item.engaged_ms or 0
        else:
            custom.append(item)
        if item.amount is not None:
            sold.append(item)
    settings = max([item.settings for items in (old, new) for item in items])
    found = bucket(
        limits(settings),
        revenue=bool(row.tx_time or sold),
        types={item.type for items in (old, new) for item in items if item.type != ENGAGEMENT},
        customs=len(row.ev_time) + len(custom),
        pageviews=len(depths),
        milliseconds=new[-1].time - row.start if total is None else total,
        depth=max(depths, default=0),
    )
    grew = row._replace(
        end=new[-1].time,
        events=row.events + len(new) - passive,
        engaged_ms=total,
        bucket=found,
        settings=settings,
        pv_depth=tuple(depths),
        pv_engaged_ms=tuple(engaged),
        version=version,
    )
    if pages:
        grew = grew._replace(
            exit_page=pages[-1],
            pageviews=len(depths),
            pv_page=row.pv_page + tuple(pages),
            pv_time=row.pv_time + tuple(times),
        )
    if custom:
        types, at_times, seqs = custom_columns(custom, name)
        grew = grew._replace(ev_type=row.ev_type + types, ev_time=row.ev_time + at_times, ev_seq=row.ev_seq + seqs)
    if sold:
        grew = grew._replace(
            **{column: getattr(row, column) + values for column, values in sold_columns(sold)._asdict().items()}
        )
    return grew


def _reported(view: str, *before: Sequence[Item]) -> bool:
    return any(item.view == view and item.type == ENGAGEMENT for items in before for item in items)


def _credited(report: Item, old: Sequence[Item], new: Sequence[Item], at: int) -> int | None:
    """Which of the `at` pageviews before it an engagement is of: see `rows._credit`."""
    of_page: int | None = None
    for items in (new, old):
        for item in reversed(items):
            if item.type == PAGEVIEW:
                at -= 1
                if report.view and item.view == report.view:
                    return at
                if of_page is None and item.page == report.page:
                    if not report.view:
                        return at
                    of_page = at
    return of_page
