"""File systems of one's own, small or on a disk that fails; and files that are protected."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
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


@contextmanager
def ext4_disk(folder: Path, megabytes: int = EXT4_MEGABYTES) -> Iterator[None]:
    """Put a file system into this folder that protects single files."""
    with tempfile.NamedTemporaryFile(prefix="exempla-disk-") as image:
        _make_ext4(Path(image.name), megabytes)
        _mount(folder, "-o", "loop", image.name)
        try:
            yield
        finally:
            _unmount(folder)


class FailingDisk:
    """A disk, with a file system, that may refuse all writes from one moment on.

    It is a file of another file system, which can be protected. Linux then finds by itself that
    it can write nothing to the disk, and turns the file system on it read-only.

    Linux can be told to do that on a disk that works (`mount -o remount,abort`), but then it may
    call data synced that is not: docs/guarantees.md.
    """

    def __init__(self, folder: Path, image: Path) -> None:
        self._folder = folder
        self._image = image
        self._failing = ExitStack()
        self._mount()

    def _mount(self) -> None:
        _mount(self._folder, "-o", "loop,errors=remount-ro", str(self._image))

    def fail(self) -> None:
        """Refuse all writes from now on."""
        self._failing.enter_context(protected(self._image))

    def repair(self) -> None:
        """Take the file system off, let the disk be written to, check it, and mount it again.

        No one may use it now. What Linux had not written by then is lost.
        """
        subprocess.run(["umount", str(self._folder)], check=True)
        self._failing.close()
        checked = subprocess.run(["fsck.ext4", "-p", self._image], capture_output=True, check=False)
        assert checked.returncode in (0, 1), checked  # 1: errors were corrected
        self._mount()

    def close(self) -> None:
        """Take the file system off."""
        _unmount(self._folder)
        self._failing.close()


@contextmanager
def failing_disk(folder: Path) -> Iterator[FailingDisk]:
    """Put a file system into this folder whose disk can be let fail."""
    with (
        tempfile.TemporaryDirectory(prefix="exempla-disk-") as below,
        ext4_disk(Path(below), 2 * EXT4_MEGABYTES),
    ):
        image = Path(below, "image")
        _make_ext4(image, EXT4_MEGABYTES)
        with closing(FailingDisk(folder, image)) as disk:
            yield disk


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


def _make_ext4(image: Path, megabytes: int) -> None:
    with image.open("wb") as file:
        file.truncate(megabytes * 1024 * 1024)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)


def _mount(folder: Path, *what: str) -> None:
    subprocess.run(["mount", *what, str(folder)], check=True, capture_output=True)


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
