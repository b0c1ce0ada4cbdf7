"""A data folder has one holder, and is free again only when all parts of its stack are gone."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from deploy.folder import Folder, StackError, write_private


def test_a_second_start_is_refused_by_name(tmp_path: Path) -> None:
    held = Folder(tmp_path)
    held.tell("running", "http://127.0.0.1:1")
    with pytest.raises(StackError, match=rf"already runs in .* \(process {os.getpid()}, http://127.0.0.1:1\)"):
        Folder(tmp_path)
    held.release()
    Folder(tmp_path).release()


def test_a_start_waits_for_one_that_is_stopping(tmp_path: Path) -> None:
    held = Folder(tmp_path)
    held.tell("stopping", "http://127.0.0.1:1")
    threading.Timer(0.3, held.release).start()
    Folder(tmp_path).release()


def test_a_start_waits_for_children_of_a_killed_one(tmp_path: Path) -> None:
    held = Folder(tmp_path)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.5)"], pass_fds=[held.parts_lock])
    held.release()
    Folder(tmp_path).release()
    assert child.poll() is not None or child.wait(0.2) == 0


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match=r"^cannot write to the data folder .*/file/data: Not a directory$"):
        Folder(tmp_path / "file" / "data")


def test_private_files_are_private_from_the_first_moment(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_private(tmp_path / "a.json", {"api_key": "x"})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == 0o600
