"""A memory limit for a child process: a control group, of whichever version the machine has."""

import contextlib
import os
import pathlib

MOUNTS = pathlib.Path("/sys/fs/cgroup")
# (folder, a file that shows it to be of this version, file of the limit, of the limit for swap, of the peak)
VERSIONS = [
    (MOUNTS, "cgroup.controllers", "memory.max", "memory.swap.max", "memory.peak"),
    (
        MOUNTS / "memory",
        "memory.limit_in_bytes",
        "memory.limit_in_bytes",
        "memory.memsw.limit_in_bytes",
        "memory.max_usage_in_bytes",
    ),
]


class Unlimited:
    """Where no group can be made: only the peak of the process itself is known."""

    prefix = ()

    def peak(self):
        return None


class Group:
    def __init__(self, folder, peak):
        self.folder, self.peak_file = folder, folder / peak
        # The child puts itself into the group before it becomes the program.
        self.prefix = ("sh", "-c", f'echo $$ >{folder}/cgroup.procs && exec "$@"', "sh")

    def peak(self):
        """With what the kernel holds for it, such as pages of its files; no more than the limit, by nature."""
        return int(self.peak_file.read_text()) if self.peak_file.exists() else None


@contextlib.contextmanager
def limited(limit):
    """A group of so many bytes, without swap, and nothing where none can be made."""
    group = made(limit)
    try:
        yield group or Unlimited()
    finally:
        if group:
            with contextlib.suppress(OSError):
                group.folder.rmdir()


def made(limit):
    for parent, mark, size, swap, peak in VERSIONS:
        folder = parent / f"memory-test-{os.getpid()}"
        if not (parent / mark).exists():
            continue
        try:
            folder.mkdir()
        except OSError:
            continue
        try:
            (folder / size).write_text(str(limit))
            with contextlib.suppress(OSError):
                (folder / swap).write_text("0" if swap == "memory.swap.max" else str(limit))
            return Group(folder, peak)
        except OSError:
            folder.rmdir()
    return None
