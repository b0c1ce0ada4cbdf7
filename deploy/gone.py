"""ClickHouse's data gone, in whole or in part, while Redis and the event log live: what is missed, and what comes back.

Redis holds every site as ingest and workers know it, but no account and no key; `first-run.json` holds the first
account; the log holds the events that it still reaches back to, and they are counted anew from there.
"""

from collections.abc import Mapping

from api.registry.account import Account, Key
from api.registry.secret import hash_password, new_password, sha256, shown
from api.registry.secret import name as random_name
from api.registry.state import State, read
from api.registry.store import Registry, RegistryGone
from deploy import event_log, wiring
from deploy.folder import StackError
from deploy.settings import Settings
from ingest.contract import snapshot
from rollups import control, registry
from rollups.client import NOT_MADE, ClickHouseUnavailable, Client
from rollups.lost import EMPTY_WILL_DO, lost
from rollups.migrate import make_again
from rollups.registry import RegistryRow
from workers import state as state_of_visitors


def missed(settings: Settings, first_run: Mapping[str, str] | None = None) -> str | None:
    """What is gone and what brings it back, as one sentence; None if nothing is. Blocks; raises what stores raise.

    `first_run`: what the first start made.
    """
    client, redis = wiring.clickhouse(settings), wiring.redis_client(settings)
    # What Redis remembers comes first: what is written meanwhile is in ClickHouse before it is there.
    version, counted = snapshot.published(redis).version, state_of_visitors.counted(redis)
    if names := lost(client):
        return tables_gone(names)
    try:
        held = Registry(client, redis, wiring.now)
        held.refresh()
    except RegistryGone as error:
        return str(error)
    except ClickHouseUnavailable as error:
        if error.code not in NOT_MADE:
            raise
    if not held.loaded:
        return (
            str(RegistryGone(f"it has no tables, though Redis has the sites of revision {version}"))
            if version > 0
            else None
        )
    if first_run and "api_key" in first_run and not held.state.account_by_id:
        return str(RegistryGone(f"it holds no account, though the first start made {first_run['email']}"))
    if version > held.state.revision:
        known = f"its registry ends at revision {held.state.revision}"
        return str(RegistryGone(f"{known}, though Redis has the sites of revision {version}"))
    if counted and not _any(client, "progress"):
        if _any(client, "events"):
            return tables_gone(["progress"])
        return str(RegistryGone("it does not know how far the event log is counted, though Redis has visitors' states"))
    return None


def another_log(settings: Settings) -> str | None:
    """That the log in use is not the one that was counted last, as one sentence, until it is counted too. Blocks."""
    known = control.logs(wiring.clickhouse(settings))
    if not known or {link.log for link in event_log.chain(settings)} & {each.log for each in known}:
        return None
    last = known[0]
    forget = f"; its unfinished batches: `throughline log forget {last.log}`" if last.unfinished else ""
    return (
        f"the event log in use is not {last.log}, which was counted last: what that one held uncounted is lost unless "
        f"it comes back{forget}"
    )


def tables_gone(names: list[str]) -> str:
    """What to say of tables that are not there."""
    told = ", ".join(f"`{name}`" for name in names)
    if EMPTY_WILL_DO.keys() >= set(names):
        return f"ClickHouse lost {told}: `throughline up --restore` (on a cluster `throughline restore`) makes it again"
    return (
        f"ClickHouse lost {told}: put a backup of it back; without one, drop the whole database (on one machine: move "
        f"the folder `clickhouse/engine` away), for what is left of it cannot be used, and `throughline up --restore` "
        f"(on a cluster `throughline restore`) goes on with what Redis and the event log still hold"
    )


def restore(settings: Settings, first_run: Mapping[str, str] | None = None) -> list[str]:
    """Bring back what Redis and `first_run` hold of the registry, over nothing that is there; returns what, in lines.

    The tables must be there. A worker then counts what the log still holds. Blocks; raises StackError, and what stores
    raise.
    """
    from deploy.prepare import engines

    client, redis = wiring.clickhouse(settings), wiring.redis_client(settings)
    names = lost(client)
    if not EMPTY_WILL_DO.keys() >= set(names):
        raise StackError(tables_gone(names))
    counted = _any(client, "progress")
    if not counted and _any(client, "events") and state_of_visitors.counted(redis):
        raise StackError(tables_gone(["progress"]))  # counted again, its events would be there twice
    if names:
        make_again(client, [EMPTY_WILL_DO[name] for name in names], engines(settings))
    said = [f"table {name} made again" for name in names]
    if not counted and state_of_visitors.forget(redis):
        said.append("the event log is counted anew, from where it begins")
    state = State()
    for row in registry.since(client, 0):
        state.put(read(row.body, row.revision), row.revision)
    known, first = snapshot.published(redis), dict(first_run or {})
    if known.version <= state.revision and ("api_key" not in first or state.account_by_id):
        return said
    sites = [site for site in known.by_id.values() if site.revision > state.revision]
    rows = [RegistryRow("site", site.id, site.revision, site.model_dump_json()) for site in sites]
    owners = dict.fromkeys(site.account for site in sorted(known.by_id.values(), key=lambda site: site.created))
    lacking = [owner for owner in owners if owner not in state.account_by_id]
    if not state.account_by_id and not lacking:
        lacking = [random_name(12)]
    revision = max(known.version, state.revision)
    for owner in lacking:
        account, password, key = _account(owner, first if owner == lacking[0] and not state.account_by_id else {})
        made: list[Account | Key] = [account] if key is None else [account, key]
        rows += [
            RegistryRow(entry.kind, entry.id, number, entry.model_dump_json())
            for number, entry in enumerate(made, revision + 1)
        ]
        revision += len(made)
        said.append(f"account {account.email}" + (f", its new password: {password}" if password else ""))
    if revision == max(known.version, state.revision):  # only sites: what comes next goes above what was published
        newest = max(sites, key=lambda site: site.revision)
        rows.append(RegistryRow("site", newest.id, revision + 1, newest.model_dump_json()))
    registry.put_back(client, rows, wiring.now())
    living = sum(not site.deleted for site in sites)
    return [*said, f"{living} sites" if living != 1 else "1 site", "other keys and accounts must be made again"]


def _any(client: Client, table: str) -> bool:
    return bool(client.rows(f"SELECT 1 FROM {table} LIMIT 1"))  # noqa: S608 - a name of ours


def _account(owner: str, first_run: Mapping[str, str]) -> tuple[Account, str, Key | None]:
    """The account of that id with its password, "" if that is the old one, and its key, if that is known."""
    told = first_run.get("password", "")
    password = told or new_password()
    email = first_run.get("email", f"{owner}@localhost")
    now = wiring.now()
    account = Account(id=owner, email=email, password=hash_password(password), created=now, temporary=True)
    if "api_key" not in first_run:
        return account, password, None
    head, tail = shown(first_run["api_key"])
    key = Key(id=random_name(12), account=owner, sha256=sha256(first_run["api_key"]), head=head, tail=tail, created=now)
    return account, "" if told else password, key
