"""Fixtures of real services, and the block at the end of a run that says what each suite really ran against."""

import itertools
import os
import shutil
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from rollups.client import connect
from tests.services.clickhouse import open_clickhouse
from tests.services.kafka import open_kafka
from tests.services.process import ServiceUnavailable
from tests.services.redis import Service, fresh_database, open_redis

# Speed lives in benchmarks: a test must not fail because the machine is busy.
hypothesis.settings.register_profile("throughline", deadline=None, print_blob=True)
hypothesis.settings.load_profile("throughline")

# Properties of a test reach the process that prints, wherever the test ran.
_ROOM = 4 << 30  # bytes
_RAN, _ABSENT, TOLD = "service", "service that is absent", "told"
_ran: dict[str, set[str]] = defaultdict(set)
_absent: dict[str, str] = {}
_told: list[str] = []
_numbers = itertools.count(1)


def _session_service(
    name: str, opener: Callable[[Path], Service], factory: pytest.TempPathFactory
) -> Iterator[Service | ServiceUnavailable]:
    with _folder(name, factory) as folder:
        try:
            service = opener(folder)
        except ServiceUnavailable as why:
            yield why
            return
        yield service
        service.end()


@contextmanager
def _folder(name: str, factory: pytest.TempPathFactory) -> Iterator[Path]:
    """In memory where there is room: thousands of small syncs prove nothing. What must outlive a crash has its own."""
    memory = Path("/dev/shm")  # noqa: S108 - the names in it are made by mkdtemp
    if memory.is_dir() and shutil.disk_usage(memory).free > _ROOM:
        with tempfile.TemporaryDirectory(prefix=f"throughline-{name}-", dir=memory, ignore_cleanup_errors=True) as made:
            yield Path(made)
    else:
        yield factory.mktemp(name)


def _use(service: Service | ServiceUnavailable, request: pytest.FixtureRequest) -> Service:
    if isinstance(service, ServiceUnavailable):
        request.node.user_properties.append((_ABSENT, str(service)))
        pytest.skip(str(service))
    request.node.user_properties.append((_RAN, service.name))
    return service


@pytest.fixture(scope="session")
def _redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service | ServiceUnavailable]:
    yield from _session_service("redis", open_redis, tmp_path_factory)


@pytest.fixture(scope="session")
def _clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service | ServiceUnavailable]:
    yield from _session_service("clickhouse", open_clickhouse, tmp_path_factory)


@pytest.fixture(scope="session")
def _kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service | ServiceUnavailable]:
    yield from _session_service("kafka", open_kafka, tmp_path_factory)


@pytest.fixture
def redis_url(_redis: Service | ServiceUnavailable, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database of the session's Redis. Later tests get it again: nobody may go on beating in it."""
    yield fresh_database(_use(_redis, request).url, next(_numbers))
    beating = [thread for thread in threading.enumerate() if thread.name == "log leases"]
    assert not beating, "a consumer of this test was not closed: it holds partitions of whoever has the database next"


@pytest.fixture
def clickhouse_url(_clickhouse: Service | ServiceUnavailable, request: pytest.FixtureRequest) -> Iterator[str]:
    """The session's ClickHouse with a database name as path that no other test uses; nobody has created it yet.

    It is removed afterwards: a server of ten thousand tables takes seconds for what it does in milliseconds.
    """
    server, name = _use(_clickhouse, request).url, f"test_{next(_numbers)}"
    yield f"{server}/{name}"
    client = connect(server, database="default")
    client.command(f"DROP DATABASE IF EXISTS {name} SYNC")
    client.close()


@pytest.fixture
def kafka_bootstrap(_kafka: Service | ServiceUnavailable, request: pytest.FixtureRequest) -> str:
    """`host:port` of the session's broker. Topics stay: a test names its own."""
    return _use(_kafka, request).url


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from tests.schedule import ByFile

    return ByFile(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a process beside others."""
    if hasattr(config, "workerinput"):
        from tests.schedule import rank

        items.sort(key=lambda item: rank(item.nodeid))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where everything must run, a suite that lacks its service has failed."""
    report = yield
    own = next(item.iter_markers("skipif"), None) is not None
    if os.environ.get("THROUGHLINE_TEST_ALL") and report.when == "setup" and report.skipped and not own:
        report.outcome = "failed"
        report.longrepr = f"skipped, which THROUGHLINE_TEST_ALL forbids: {report.longrepr}"
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep what the test's suite ran against, and what the test has to tell."""
    if report.when != "teardown":
        return
    suite = report.nodeid.partition("::")[0].rpartition("/")[0]
    for name, value in report.user_properties:
        if name == _RAN:
            _ran[suite].add(str(value))
        elif name == _ABSENT:
            _absent[suite] = str(value)
        elif name == TOLD:
            _told.append(str(value))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what trials told, which real services each suite ran against, and what it lacked."""
    if _told:
        terminalreporter.section("trials")
        for line in _told:
            terminalreporter.write_line(line)
    if not (_ran or _absent):
        return
    terminalreporter.section("real services")
    for suite in sorted({*_ran, *_absent}):
        lines = sorted(_ran[suite]) + ([f"skipped: {_absent[suite]}"] if suite in _absent else [])
        terminalreporter.write_line(f"{suite:<20} {'; '.join(lines)}")
