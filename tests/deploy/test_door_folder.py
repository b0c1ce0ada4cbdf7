"""The folder of the ClickHouse door and its password are its user's own."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.test_clickhouse_door import http

pytest.importorskip("chdb", reason="needs the extra `local`")
pytestmark = pytest.mark.services


def test_the_password_is_kept_private_and_in_no_argument_list(tmp_path: Path) -> None:
    data = tmp_path / "clickhouse"
    command = [sys.executable, "-m", "deploy.local.clickhouse", "--data", str(data), "--port", "0"]
    made = []
    for _ in range(2):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            port = int(process.stdout.readline().rsplit(":", 1)[1])
            made.append((data / "password").read_text())
            assert http(port, "/", b"SELECT 1", **{"X-ClickHouse-Key": made[-1]})[0] == 200
            for name in ("cmdline", "environ"):
                assert made[-1].encode() not in Path(f"/proc/{process.pid}/{name}").read_bytes()
            process.kill()
    assert len(made[0]) == 48 and made[0] == made[1]
    modes = {path: stat.S_IMODE(path.lstat().st_mode) for path in (data, *data.rglob("*")) if not path.is_symlink()}
    assert {path: oct(mode) for path, mode in modes.items() if mode & 0o077} == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_a_folder_of_somebody_else_is_one_sentence(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, -1)
    command = [sys.executable, "-m", "deploy.local.clickhouse", "--data", str(tmp_path), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0 and done.stderr.count("\n") == 1
    assert "belongs to another user" in done.stderr
