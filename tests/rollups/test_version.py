"""What an upgrade would do is told before, and a database of another schema is refused."""

import pytest

from rollups.client import connect
from rollups.migrate import SchemaRefused, drop_view, migrate
from rollups.version import Step, built, definitions, newest, plan, refuse_other
from rollups.write import Writer
from tests.rollups.make import T0, session

pytestmark = pytest.mark.services


def test_what_would_be_done_is_told_and_nothing_is_done(clickhouse_url: str) -> None:
    first = plan(clickhouse_url)
    assert {"0003_events", "rollup series"} <= {step.name for step in first}
    assert not any(step.pauses for step in first)
    client = connect(clickhouse_url)
    with pytest.raises(SchemaRefused, match="has no tables yet: throughline migrate"):
        refuse_other(client)

    done = migrate(clickhouse_url)
    assert {step.name for step in first} - set(done) == {"0001_migrations", "0002_control"}  # which all else needs
    assert plan(clickhouse_url) == []
    refuse_other(client)
    assert built(client) == definitions()

    writer = Writer(client)
    writer.insert_sessions(writer.token("log", 0, 0), [session(T0), session(T0 + 1)])
    drop_view(clickhouse_url, "series")
    client.command(f"ALTER TABLE migrations DELETE WHERE number = {newest()} SETTINGS mutations_sync = 1")
    steps = plan(clickhouse_url)
    assert steps[-1] == Step("rollup series", 2, True) and len(steps) == 2 and not steps[0].pauses
    assert plan(clickhouse_url) == steps
    with pytest.raises(SchemaRefused, match=f"lacks step {newest()} of this version's schema: throughline migrate"):
        refuse_other(client)
    assert set(migrate(clickhouse_url)) == {step.name for step in steps}
    assert plan(clickhouse_url) == []

    client.command("INSERT INTO migrations (number, name, hash) VALUES (9999, 'of a later build', '')")
    for refuse in (lambda: plan(clickhouse_url), lambda: refuse_other(client), lambda: migrate(clickhouse_url)):
        with pytest.raises(SchemaRefused, match="has schema 9999, this version knows"):
            refuse()
    client.close()
