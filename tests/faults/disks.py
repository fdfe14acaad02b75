"""File systems of one's own, small or such that they can break; and files that are protected."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

SMALL_MEGABYTES = 32
EXT4_MEGABYTES = 256

Disk = Callable[[Path], AbstractContextManager[object]]
"""Puts a file system into a folder, for the block."""


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Put a file system into this folder that is soon full."""
    _mount(folder, "-t", "tmpfs", "-o", f"size={SMALL_MEGABYTES}m", "tmpfs")
    try:
        yield
    finally:
        _unmount(folder)


class Ext4:
    """A file system of a file, which may break and be repaired."""

    def __init__(self, folder: Path, image: Path) -> None:
        self._folder = folder
        self._image = image
        _mount(folder, "-o", "loop,errors=remount-ro", str(image))

    def turn_read_only(self) -> None:
        """Do as the system does when it finds an error on the disk: write no more, for ever."""
        _mount(self._folder, "-o", "remount,abort")

    def repair(self) -> None:
        """Take the file system off, check it and mount it again; no one may use it now."""
        subprocess.run(["umount", str(self._folder)], check=True)
        checked = subprocess.run(["fsck.ext4", "-p", self._image], capture_output=True, check=False)
        assert checked.returncode in (0, 1), checked  # 1: errors were corrected
        _mount(self._folder, "-o", "loop,errors=remount-ro", str(self._image))


@contextmanager
def ext4_disk(folder: Path) -> Iterator[Ext4]:
    """Put a file system into this folder that can be broken, and protects single files."""
    with tempfile.NamedTemporaryFile(prefix="exempla-disk-") as image:
        image.truncate(EXT4_MEGABYTES * 1024 * 1024)
        subprocess.run(["mkfs.ext4", "-q", image.name], check=True)
        disk = Ext4(folder, Path(image.name))
        try:
            yield disk
        finally:
            _unmount(folder)


@contextmanager
def protected(*files: Path) -> Iterator[None]:
    """Let the system refuse every write to these files, or folders, also to open ones."""
    names = [str(file) for file in files if file.exists()]
    subprocess.run(["chattr", "+i", *names], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", *names], check=True)


def can_have(disk: Disk) -> bool:
    """Tell whether this process may mount this file system."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            with disk(Path(folder)):
                return True
        except (OSError, subprocess.SubprocessError):
            return False


def _mount(folder: Path, *what: str) -> None:
    subprocess.run(["mount", *what, str(folder)], check=True, capture_output=True)


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
