"""The filter of system calls, read as the kernel does: also for machines that this one is not."""

import struct
import unittest

from holder.system_calls import ABSENT, ALLOW, MACHINES, REFUSE, REFUSED, filter_for

# What an Odoo cannot do without, as (x86-64, ARM64).
NEEDED = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "connect": (42, 203),
    "accept4": (288, 242),
    "socketpair": (53, 199),
    "execve": (59, 221),
    "exit_group": (231, 94),
    "futex": (202, 98),
    "kill": (62, 129),
    "prctl": (157, 167),
    "openat": (257, 56),
    "prlimit64": (302, 261),
    "getrandom": (318, 278),
    "pidfd_open": (434, 434),
}
CLONE, BIND, SOCKET, CLONE3 = (56, 220), (49, 200), (41, 198), (435, 435)
FORK = 0x01200011
THREAD = 0x003D0F00


def answer(code, architecture, number, *arguments):
    """Of classic BPF only what the filter uses."""
    data = struct.pack("=IIQ6Q", number, architecture, 0, *arguments, *[0] * (6 - len(arguments)))
    place, accumulator = 0, 0
    while True:
        operation, if_true, if_false, value = struct.unpack_from("=HBBI", code, place * 8)
        place += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, value)
        elif operation == 0x54:
            accumulator &= value
        elif operation == 0x06:
            return value
        else:
            truth = {
                0x15: accumulator == value,
                0x25: accumulator > value,
                0x35: accumulator >= value,
                0x45: bool(accumulator & value),
            }[operation]
            place += if_true if truth else if_false


class TestFilter(unittest.TestCase):
    def each(self):
        for machine, (architecture, column) in MACHINES.items():
            code = filter_for(machine)

            def ask(numbers, *arguments, code=code, architecture=architecture, column=column):
                return answer(code, architecture, numbers[column], *arguments)

            with self.subTest(machine):
                yield ask

    def test_what_is_needed_is_there(self):
        for ask in self.each():
            for name, numbers in NEEDED.items():
                self.assertEqual(ask(numbers), ALLOW, name)

    def test_what_is_refused_is_refused(self):
        for ask in self.each():
            for name, numbers in REFUSED.items():
                self.assertEqual(ask(numbers), REFUSE, name)

    def test_processes_and_threads_are_made_without_rooms_of_their_own(self):
        for ask in self.each():
            self.assertEqual(ask(CLONE, FORK), ALLOW)
            self.assertEqual(ask(CLONE, THREAD), ALLOW)
            for kind in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 1 << 30):
                self.assertEqual(ask(CLONE, kind | 17), REFUSE)
            self.assertEqual(ask(CLONE3, 0, 88), ABSENT)

    def test_no_address_of_the_internet_is_bound(self):
        for ask in self.each():
            for length in (16, 24, 28, 128, 0xFFFFFFFF):
                self.assertEqual(ask(BIND, 5, 0, length), REFUSE)
            self.assertEqual(ask(BIND, 5, 0, 12), ALLOW)

    def test_sockets_are_those_that_call(self):
        close_on_exec = 0o2000000
        for ask in self.each():
            for family in (2, 10, 16):
                self.assertEqual(ask(SOCKET, family, 2 | close_on_exec), ALLOW)
            self.assertEqual(ask(SOCKET, 1, 1 | close_on_exec), ALLOW)
            for kind in (2, 3, 5):
                self.assertEqual(ask(SOCKET, 1, kind | close_on_exec), REFUSE)
            for family in (17, 31, 38, 40, 44):
                self.assertEqual(ask(SOCKET, family, 1), REFUSE)

    def test_what_came_after_us_is_absent_and_other_machines_programs_may_nothing(self):
        for machine, (architecture, _) in MACHINES.items():
            code = filter_for(machine)
            for number in (451, 500, 0x40000000, 0xFFFFFFFF):
                self.assertEqual(answer(code, architecture, number), ABSENT)
            others = {0x40000003, 0x40000028, *(one for one, _ in MACHINES.values())}
            for other in others - {architecture}:
                self.assertEqual(answer(code, other, 0), REFUSE)
