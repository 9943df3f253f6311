"""The part of this machine that a tenant's processes see: mounts and IPC of their own, as root.

Their temporary files lie in a folder of the tenant's. Of processes they see their own, by a /proc
that tells of no others; of cgroups, which are named after tenants, none.
"""

import ctypes
import os

from .processes import libc

CLONE_NEWNS, CLONE_NEWIPC = 0x00020000, 0x08000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_SLAVE = 0x20, 0x1000, 0x4000, 0x80000
TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")
CGROUPS = "/sys/fs/cgroup"


def enter_own_view(temporary, kept):
    """`temporary` is for temporary files; `kept` are folders that must not be hidden by it."""
    check(libc.unshare(CLONE_NEWNS | CLONE_NEWIPC))
    # What the machine takes away goes here, too; nothing of here is seen there.
    mount("none", "/", flags=MS_REC | MS_SLAVE)
    places = [place for place in TEMPORARY if os.path.isdir(place)]
    # Opened before the first place hides where they are.
    own = os.open(temporary, os.O_PATH)
    hidden = {folder: os.open(folder, os.O_PATH) for folder in kept if is_below(folder, places)}
    for place in places:
        mount_opened(own, place)
        mount("none", place, flags=MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV)
    # To pass through, not to list.
    before = os.umask(0o066)
    for folder, descriptor in hidden.items():
        os.makedirs(folder, exist_ok=True)
        mount_opened(descriptor, folder)
    os.umask(before)
    for descriptor in (own, *hidden.values()):
        os.close(descriptor)
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=2")
    if os.path.isdir(CGROUPS):
        mount("tmpfs", CGROUPS, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k")


def is_below(folder, places):
    real = os.path.realpath(folder)
    return any(real.startswith(os.path.realpath(place) + "/") for place in places)


def mount_opened(descriptor, place):
    mount(f"/proc/self/fd/{descriptor}", place, flags=MS_BIND | MS_REC)


def mount(source, place, kind=None, flags=0, options=None):
    texts = [None if text is None else os.fsencode(text) for text in (source, place, kind, options)]
    source, place, kind, options = texts
    check(libc.mount(source, place, kind, ctypes.c_ulong(flags), options))


def check(answer):
    if answer != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
