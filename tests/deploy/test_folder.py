"""A data folder has one holder, and is free again only when all parts of its stack are gone."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from deploy.folder import Folder, StackError, secret, write_private


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


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_that_others_could_enter_is_taken_from_them_with_all_that_is_in_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "redis").mkdir(parents=True)
    (data / "redis" / "password").write_text("x")
    (data / "redis" / "run").symlink_to("/nowhere")
    for path, given in ((data, 0o755), (data / "redis", 0o777), (data / "redis" / "password", 0o644)):
        path.chmod(given)
    Folder(data).release()
    assert [mode(path) for path in (data, data / "redis", data / "redis" / "password")] == [0o700, 0o700, 0o600]


def test_a_folder_behind_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / "real")
    with pytest.raises(StackError, match=r"^the data folder .*/data is a symbolic link; name the folder that it leads"):
        Folder(tmp_path / "data")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
@pytest.mark.parametrize("inside", [False, True])
def test_what_belongs_to_somebody_else_is_refused(tmp_path: Path, inside: bool) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    (data / "stack.json").touch()
    os.chown(data / "stack.json" if inside else data, 12345, -1)
    for _ in range(2):
        with pytest.raises(StackError, match=r"belongs to another user \(id 12345\)$"):
            Folder(data)


def test_a_password_is_made_once_and_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = secret(tmp_path / "password")
    finally:
        os.umask(before)
    assert len(made) == 48 and mode(tmp_path / "password") == 0o600
    (tmp_path / "password").chmod(0o644)
    assert secret(tmp_path / "password") == made and mode(tmp_path / "password") == 0o600


def test_an_empty_password_of_a_crash_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "password").touch()
    assert len(secret(tmp_path / "password")) == 48


def test_a_password_behind_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("known")
    (tmp_path / "password").symlink_to(tmp_path / "other")
    with pytest.raises(StackError, match="cannot use the password in"):
        secret(tmp_path / "password")
