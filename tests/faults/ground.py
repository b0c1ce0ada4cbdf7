"""Ground that shakes: a disk whose power can be cut, and one that is small. Linux and root only.

`Disk` is an ext4 image behind a loop device. `cut` is what a power cut leaves: every process that has a file on it is
killed, then ext4 is told to stop at once and forget what it has not written (EXT4_IOC_SHUTDOWN without flushing its
journal, as xfstests does), so nothing that was not synced or written back by then is on the image; then it is mounted
again, and the journal replayed. No copy is needed, and nothing is written in between.
"""

import fcntl
import functools
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32)
_NO_LOG_FLUSH = 2
_PATIENCE = 60.0


class Disk:
    """An ext4 file system of its own, mounted at `path`. Use `disk()`, which takes it away again."""

    def __init__(self, image: Path, path: Path, options: str) -> None:
        self._image = image
        self.path = path
        self._options = options

    def cut(self) -> None:
        """Kill every process that has a file here, lose what is not on the disk, and mount what is left.

        A `Stack` or a broker that ran here is reaped with its own `kill()`, and started again like after any end.
        """
        kill_all(self.path)
        self.lose()
        self.mount()

    def lose(self) -> None:
        """Stop the file system without writing anything more, and unmount it. For `cut`, or to keep the image as is."""
        place = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(place, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(place)
        kill_all(self.path)
        unmount(self.path)

    def mount(self) -> None:
        run("mount", "-t", "ext4", "-o", ",".join(filter(None, ("loop", self._options))), self._image, self.path)


@contextmanager
def disk(size: str = "2G", options: str = "", under: Path | None = None) -> Iterator[Disk]:
    """A disk with a sparse image of `size` in a new folder (of `under`); gone at the end with all that runs on it."""
    with tempfile.TemporaryDirectory(prefix="disk-", dir=under) as folder:
        image, path = Path(folder, "image").resolve(), Path(folder, "mnt").resolve()
        path.mkdir()
        run("truncate", "-s", size, image)
        run("mkfs.ext4", "-q", "-F", image)
        made = Disk(image, path, options)
        made.mount()
        try:
            yield made
        finally:
            _away(path)


@contextmanager
def small(size: str, under: Path | None = None) -> Iterator[Path]:
    """A tmpfs of `size` ("200m"); gone at the end with all that runs on it."""
    with tempfile.TemporaryDirectory(prefix="small-", dir=under) as folder:
        path = Path(folder, "mnt").resolve()
        path.mkdir()
        run("mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "none", path)
        try:
            yield path
        finally:
            _away(path)


def _away(path: Path) -> None:
    if path.is_mount():
        kill_all(path)
        unmount(path)


@functools.cache
def lacking() -> str:
    """Why there is no such ground here, or "". Tries it once."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "loop devices and tmpfs are mounted by root on Linux only"
    try:
        with disk("16M") as made:
            (made.path / "unsynced").write_text("x")
            made.cut()
            assert not (made.path / "unsynced").exists()
        with small("1m"):
            pass
    except (OSError, AssertionError) as error:
        return f"no loop device with ext4, or no tmpfs, can be mounted here: {error}"
    return ""


def run(*command: str | Path) -> None:
    """Raises OSError with what the command said."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{command[0]}: {done.stderr.strip()}")


def holders(path: Path) -> list[int]:
    """The processes but this one that have a file open, or stand, below `path`."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and int(process.name) != os.getpid():
            try:
                links = [process / "cwd", *(process / "fd").iterdir()]
                if any(_target(link).startswith(f"{path}/") for link in links):
                    found.append(int(process.name))
            except OSError:
                continue
    return sorted(found)


def _target(link: Path) -> str:
    try:
        return f"{link.readlink()}/"
    except OSError:
        return ""


def kill_all(path: Path) -> None:
    """SIGKILL every holder, the oldest (`up`) first, until none is left: one of them may just have started another."""
    end = time.monotonic() + _PATIENCE
    while found := holders(path):
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        assert time.monotonic() < end, f"{found} do not end"


def unmount(path: Path) -> None:
    """The loop device goes with it. Waits for whoever has just ended. Raises OSError."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            return run("umount", path)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
