"""The `--data` folder of a stack: who holds it, and what is written down in it.

`lock` is held by `up` alone and says who runs here. `parts.lock` is inherited by every child, so it is free only when
the last of them is gone: what a killed `up` left behind can never meet its successor on the same files.
"""

import contextlib
import errno
import fcntl
import json
import os
import secrets
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.settings import PARTS_LOCK, STACK_FILE

FIRST_RUN_FILE = "first-run.json"
_WAIT_SECONDS = 15.0


class StackError(Exception):
    """The stack cannot start or go on; the message is one sentence for the operator."""


class Folder:
    """A data folder held by this process until `release`."""

    def __init__(self, path: Path) -> None:
        """Make and lock the folder; waits for a predecessor that is just ending. Raises StackError."""
        self.path = path.absolute()
        private_folder(self.path)
        try:
            self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            self.parts_lock = os.open(self.path / PARTS_LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StackError(f"cannot write to the data folder {self.path}: {error.strerror}") from None
        end = time.monotonic() + _WAIT_SECONDS
        while not _lock(self._lock):
            holder = read_private(self.path / "lock")
            if holder.get("state") != "stopping" or time.monotonic() > end:
                who = f" (process {holder['pid']}, {holder['url']})" if "pid" in holder and "url" in holder else ""
                raise StackError(
                    f"a stack already runs in {self.path}{who}; stop it, or name another folder with --data"
                )
            time.sleep(0.05)
        while not _lock(self.parts_lock):
            if time.monotonic() > end:
                raise StackError(f"parts of an earlier stack in {self.path} are still running; stop them first")
            time.sleep(0.05)

    def tell(self, state: str, url: str) -> None:
        """Say in the lock who holds it: `state` is "starting", "running" or "stopping"."""
        text = json.dumps({"pid": os.getpid(), "url": url, "state": state}).encode()
        with contextlib.suppress(OSError):  # a full disk; the lock itself is what counts
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, text, 0)

    def describe(self, stack: Mapping[str, Any]) -> None:
        """Write `stack.json`, by which other commands find the stack. Raises StackError."""
        try:
            write_private(self.path / STACK_FILE, stack)
        except OSError as error:
            raise StackError(f"cannot write to the data folder {self.path}: {error.strerror}") from None

    def release(self) -> None:
        """Give the folder back; call when all children are gone."""
        with contextlib.suppress(OSError):
            (self.path / STACK_FILE).unlink()
        os.close(self.parts_lock)
        os.close(self._lock)


def private_folder(path: Path) -> None:
    """Make the folder, or take one that is there, with all that is in it, from everybody else. Raises StackError."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.is_symlink():
            raise StackError(f"the data folder {path} is a symbolic link; name the folder that it leads to")
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            state = os.fstat(descriptor)
            if state.st_uid != os.geteuid():
                raise StackError(f"the data folder {path} belongs to another user (id {state.st_uid})")
            if stat.S_IMODE(state.st_mode) & 0o077:
                os.fchmod(descriptor, 0o700)  # first: from here on nobody can put anything in
                try:
                    _take_all(path)
                except BaseException:
                    os.fchmod(descriptor, stat.S_IMODE(state.st_mode))  # so that the next start looks again
                    raise
        finally:
            os.close(descriptor)
        if not os.access(path, os.W_OK | os.X_OK):  # read-only, or somebody took the rights away
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise StackError(f"cannot write to the data folder {path}: {error.strerror}") from None


def _take_all(path: Path) -> None:
    """What is in a folder that others could enter. Raises StackError, OSError."""
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            entry = Path(folder, name)
            state = entry.lstat()
            if state.st_uid != os.geteuid():
                raise StackError(f"{entry} in the data folder belongs to another user (id {state.st_uid})")
            if stat.S_ISREG(state.st_mode) or stat.S_ISDIR(state.st_mode):
                entry.chmod(stat.S_IMODE(state.st_mode) & ~0o077)


def secret(path: Path) -> str:
    """The password in the file, made on the first start and kept, so that what was told it stays right.

    Raises StackError.
    """
    try:
        with contextlib.suppress(FileNotFoundError), open(path, opener=_no_link) as file:
            os.fchmod(file.fileno(), 0o600)
            if held := file.read().strip():
                return held
        made = secrets.token_hex(24)
        replace_private(path, made)
    except OSError as error:
        raise StackError(f"cannot use the password in {path}: {error.strerror}") from None
    return made


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW)


def write_private(path: Path, content: Mapping[str, Any]) -> None:
    """Put JSON in place atomically, readable by its owner only. Raises OSError."""
    replace_private(path, json.dumps(content, indent=2) + "\n")


def replace_private(path: Path, text: str) -> None:
    """Put a text in place atomically and for good, for its owner only. Raises OSError, and leaves what was there."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def read_private(path: Path) -> dict[str, Any]:
    """The JSON object in the file, {} if there is none."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
