"""The ground of the other trials does what a power cut and a full disk do."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import ground


def test_a_cut_keeps_what_was_synced_and_ends_all_that_runs_there(disk: ground.Disk) -> None:
    for name in ("synced", "unsynced"):
        (disk.path / name).write_text(name)
    with (disk.path / "synced").open() as file:
        os.fsync(file.fileno())
    writes = "import time; f = open('late', 'w'); f.write('x'); f.flush(); print(flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", writes], cwd=disk.path, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline()
        disk.cut()
        assert process.wait(30) == -signal.SIGKILL
    assert (disk.path / "synced").read_text() == "synced"
    assert all(not (path := disk.path / name).exists() or not path.read_text() for name in ("unsynced", "late"))
    disk.cut()
    assert (disk.path / "synced").read_text() == "synced"


@pytest.mark.usefixtures("shaking")
def test_nothing_stays_mounted_when_a_trial_fails() -> None:
    places: list[Path] = []
    with pytest.raises(ZeroDivisionError), ground.disk("16M") as made, ground.small("1m") as little:
        places += [made.path, little]
        1 / 0  # noqa: B018 - fails on purpose
    assert len(places) == 2 and not any(str(place) in Path("/proc/mounts").read_text() for place in places)


@pytest.mark.usefixtures("shaking")
def test_a_small_disk_is_full_at_its_size() -> None:
    with ground.small("1m") as path, pytest.raises(OSError) as full, (path / "file").open("wb", buffering=0) as file:
        for _ in range(3):
            file.write(bytes(1 << 19))
    assert full.value.errno == errno.ENOSPC
