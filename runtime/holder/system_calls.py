"""The system calls that no process of a tenant's has a use for: the kernel refuses them (seccomp).

A tenant's Odoo gets its listening socket (birth.py) and needs no other one. So none of its
processes can listen, or take a port that somebody of ours comes back to, or be met by a neighbour
at a socket without a file; and what lets a process reach into others, make rooms of its own or
find the kernel's faults is not there, as in Docker's default profile.
"""

import ctypes
import errno
import os
import struct

from .processes import PR_SET_NO_NEW_PRIVS, libc, prctl

PR_SET_SECCOMP = 22
SECCOMP_MODE_FILTER = 2
ALLOW = 0x7FFF0000
REFUSE = 0x00050000 | errno.EPERM
ABSENT = 0x00050000 | errno.ENOSYS

# By machine: how the kernel calls it, and the place of its numbers below.
MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
# Of Linux 6.1. Of a later one's nothing is known here, and libc does without what is absent.
LAST_KNOWN = 450

REFUSED = {
    "listen": (50, 201),
    "unshare": (272, 97),
    "setns": (308, 268),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "syslog": (103, 116),
    "vmsplice": (278, 75),
}
SOCKET, BIND, CLONE, CLONE3 = (41, 198), (49, 200), (56, 220), (435, 435)

AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
SOCK_TYPE_MASK, SOCK_STREAM = 0xF, 1
# An address of IPv4 has 16 bytes, one of IPv6 more, and one of the kernel's own messages 12.
SHORTEST_INTERNET_ADDRESS = 16
# Every kind of room of one's own.
CLONE_NEW = 0x7E020000

LOAD, JUMP_EQUAL, JUMP_GREATER, JUMP_AT_LEAST, JUMP_ANY_BIT, AND, RETURN = (
    0x20,
    0x15,
    0x25,
    0x35,
    0x45,
    0x54,
    0x06,
)
NUMBER, MACHINE, ARGUMENTS = 0, 4, 16


class Filter:
    """A program for the kernel: struct sock_filter, one after the other."""

    def __init__(self):
        self.code = b""

    def add(self, operation, value, if_true=0, if_false=0):
        self.code += struct.pack("=HBBI", operation, if_true, if_false, value)

    def argument(self, number):
        """Its lower half: what is looked at here has no more."""
        self.add(LOAD, ARGUMENTS + 8 * number)

    def end_if(self, operation, value, answer):
        self.add(operation, value, 0, 1)
        self.add(RETURN, answer)

    def for_call(self, number, part):
        """The part decides for one system call, and always ends."""
        self.add(JUMP_EQUAL, number, 0, len(part.code) // 8)
        self.code += part.code


def filter_for(machine):
    """What is asked before every system call; programs for other machines may make none."""
    architecture, column = MACHINES[machine]
    whole = Filter()
    whole.add(LOAD, MACHINE)
    whole.add(JUMP_EQUAL, architecture, 1, 0)
    whole.add(RETURN, REFUSE)
    whole.add(LOAD, NUMBER)
    # Those of x32 have numbers beyond all others.
    whole.end_if(JUMP_GREATER, LAST_KNOWN, ABSENT)
    whole.end_if(JUMP_EQUAL, CLONE3[column], ABSENT)
    for numbers in REFUSED.values():
        whole.end_if(JUMP_EQUAL, numbers[column], REFUSE)
    whole.for_call(CLONE[column], clone_part())
    whole.for_call(BIND[column], bind_part())
    whole.for_call(SOCKET[column], socket_part())
    whole.add(RETURN, ALLOW)
    return whole.code


def clone_part():
    part = Filter()
    part.argument(0)
    part.end_if(JUMP_ANY_BIT, CLONE_NEW, REFUSE)
    part.add(RETURN, ALLOW)
    return part


def bind_part():
    """Where names are looked up, libc binds a socket by which the kernel tells of its networks."""
    part = Filter()
    part.argument(2)
    part.end_if(JUMP_AT_LEAST, SHORTEST_INTERNET_ADDRESS, REFUSE)
    part.add(RETURN, ALLOW)
    return part


def socket_part():
    """Of Unix sockets only those that have to listen before anybody meets them."""
    part = Filter()
    part.argument(0)
    for family in (AF_INET, AF_INET6, AF_NETLINK):
        part.end_if(JUMP_EQUAL, family, ALLOW)
    part.add(JUMP_EQUAL, AF_UNIX, 1, 0)
    part.add(RETURN, REFUSE)
    part.argument(1)
    part.add(AND, SOCK_TYPE_MASK)
    part.end_if(JUMP_EQUAL, SOCK_STREAM, ALLOW)
    part.add(RETURN, REFUSE)
    return part


class Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]


def give_up_system_calls():
    """For this process and all that come of it, for good."""
    machine = os.uname().machine
    if machine not in MACHINES:
        raise OSError(errno.ENOSYS, f"The system calls of {machine} are not known")
    code = filter_for(machine)
    program = Program(len(code) // 8, code)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
