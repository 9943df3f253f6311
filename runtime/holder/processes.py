"""What Linux tells of processes, and what one has to say to it that Python has no words for."""

import ctypes
import errno
import os
import signal
import socket
import sys

LISTEN_FD = 3
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
SYS_PIDFD_GETFD = 438

libc = ctypes.CDLL(None, use_errno=True)


def prctl(what, value):
    if libc.prctl(what, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def start_time(pid):
    """Field 22 of /proc/<pid>/stat: with the pid it names a process for ever."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        # The name of the program, in parentheses, may hold anything.
        return file.read().rpartition(b")")[2].split()[19].decode()


def show_command(argv):
    """Let `ps` show another command for this process, as far as there is room where its own was."""
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    # Fields 48 and 49, counted from one; the third is the first of these.
    begin, end = int(fields[45]), int(fields[46])
    command = b"\0".join(map(os.fsencode, argv))[: end - begin - 1]
    ctypes.memmove(begin, command.ljust(end - begin, b"\0"), end - begin)


def open_process(pid, started):
    """A descriptor for exactly that process, or None where it is gone."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    try:
        if start_time(pid) == started:
            return process
    except FileNotFoundError:
        pass
    os.close(process)
    return None


def copy_of_listener(process, address):
    """A copy of the listening socket of a process, or None where it has none at that address."""
    descriptor = libc.syscall(SYS_PIDFD_GETFD, process, LISTEN_FD, 0)
    if descriptor < 0:
        print(f"Cannot take a socket over: {os.strerror(ctypes.get_errno())}.", file=sys.stderr)
        return None
    try:
        listener = socket.socket(fileno=descriptor)
    except OSError:
        # The process has put something else in its place.
        os.close(descriptor)
        return None
    listening = listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    if listener.family == socket.AF_INET and listening and listener.getsockname() == address:
        return listener
    listener.close()
    return None


def kill_all_of(uid):
    """Every process of a user at once: none can fork itself past it. They end in a moment."""
    child = os.fork()
    if child == 0:
        try:
            become_user(uid, uid)
            # All that this user may signal, but not this process.
            os.kill(-1, signal.SIGKILL)
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if status:
        raise OSError(errno.EPERM, f"Cannot end the processes of user {uid}")


# What Python ignores from its start on: without that, whoever hangs up would end the process.
IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


def become_user(uid, gid):
    """For good, with no other groups."""
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def reset_signals():
    """As Python finds and leaves them at its start, whatever this program has changed since."""
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    for number in IGNORED_BY_PYTHON:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def hand_signals_on():
    """What is ignored stays so over an exec: the next program is not to begin with our choice."""
    for number in IGNORED_BY_PYTHON:
        signal.signal(number, signal.SIG_DFL)


def close_all_but(*kept):
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        if descriptor not in kept:
            try:
                os.close(descriptor)
            except OSError as error:
                # The one that read the folder is in the list and is closed already.
                if error.errno != errno.EBADF:
                    raise


def listen(path, kind):
    """A Unix socket that only this user can open, put in place in one go."""
    listener = socket.socket(socket.AF_UNIX, kind)
    new = path + ".new"
    try:
        os.unlink(new)
    except FileNotFoundError:
        pass
    before = os.umask(0o177)
    try:
        listener.bind(new)
    finally:
        os.umask(before)
    listener.listen(64)
    os.rename(new, path)
    return listener
