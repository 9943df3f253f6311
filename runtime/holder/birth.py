"""How a tenant's process begins, whether it executes a program or is forked from one that has it.

The new process and the holder speak over one connection (SOCK_SEQPACKET): the new one tells its
pid and waits until the holder has put that where the next holder finds it, so that no process is
left over that nobody knows of, whenever the holder is killed. From then on it tells what fails, or
closes the connection: a program that is missing is an answer and not an exit that nobody can
explain.
"""

import contextlib
import errno
import fcntl
import os
import resource
import signal
import stat

from .errors import Refused, reason_of
from .orders import environment, field, optional, strings
from .processes import (
    LISTEN_FD,
    PR_SET_NO_NEW_PRIVS,
    become_user,
    close_all_but,
    prctl,
    reset_signals,
)
from .system_calls import give_up_system_calls
from .view import enter_own_view

# Beside which a descriptor of ours cannot be in the way of the ones that a child expects.
FIRST_FREE_FD = 10
MAX_FAILURE = 4096
BEGIN_SECONDS = 10


class Command:
    """A program with everything that it gets and everything that is taken from it."""

    def __init__(self, order):
        self.argv = strings(order, "argv")
        if not self.argv:
            raise Refused("bad_request", "argv names no program.")
        self.env = environment(order)
        self.cwd = field(order, "cwd", str)
        self.uid = optional(order, "uid", int)
        self.gid = optional(order, "gid", int)
        self.cgroups = strings(order, "cgroups") if order.get("cgroups") else []
        self.nofile = optional(order, "nofile", int)
        self.log = field(order, "log", str)
        # What it sees of this machine is its own where it gets a folder for temporary files.
        self.temporary = optional(order, "temporary", str)
        self.kept = strings(order, "kept") if order.get("kept") else []
        self.fewer_system_calls = bool(order.get("fewer_system_calls"))
        if self.uid is not None and self.gid is None:
            raise Refused("bad_request", "A uid needs a gid.")


def attend(connection, pid, note):
    """In the holder: lets the new process begin once it was noted; returns once it has begun."""
    connection.settimeout(BEGIN_SECONDS)
    try:
        try:
            note(pid)
        except OSError as error:
            raise Refused("failed", f"Cannot note it: {reason_of(error)}.") from error
        try:
            connection.send(b"!")
            failure = connection.recv(MAX_FAILURE).decode(errors="replace")
        except OSError as error:
            raise Refused("failed", f"It does not begin: {reason_of(error)}.") from error
        if failure:
            raise Refused("failed", failure)
    except BaseException:
        # It cannot be anybody else's yet: whoever is its parent has not waited for it.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        raise


def begin(command, listener, connection, proceed):
    """In the new process: becomes what the command says, then `proceed(env)`. Ends if that fails.

    `listener` and `connection` are descriptors. All others but the first three are closed.
    """
    doing = "prepare"
    try:
        os.write(connection, str(os.getpid()).encode())
        if not os.read(connection, 1):
            os._exit(0)
        connection = fcntl.fcntl(connection, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE_FD)
        listener = fcntl.fcntl(listener, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE_FD)
        close_all_but(0, 1, 2, connection, listener)
        os.setsid()
        os.umask(0o077)
        reset_signals()
        for folder in command.cgroups:
            doing = f"join the cgroup {folder}"
            with open(os.path.join(folder, "cgroup.procs"), "w", encoding="ascii") as file:
                file.write(str(os.getpid()))
        if command.nofile is not None:
            doing = f"limit open files to {command.nofile}"
            resource.setrlimit(resource.RLIMIT_NOFILE, (command.nofile, command.nofile))
        if command.temporary is not None:
            doing = f"have its temporary files in {command.temporary}"
            enter_own_view(command.temporary, command.kept)
        doing = f"become user {command.uid}"
        if command.uid is not None:
            become_user(command.uid, command.gid)
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        # From here on with the tenant's own rights: a link that it has laid leads nowhere else.
        doing = f"write the log {command.log}"
        # Nor does a pipe in its place keep us waiting for a reader.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK
        log = os.open(command.log, flags, 0o640)
        if not stat.S_ISREG(os.fstat(log).st_mode):
            raise OSError(errno.EINVAL, "It is not a file")
        os.set_blocking(log, True)
        doing = f"enter {command.cwd}"
        os.chdir(command.cwd)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, place in ((nothing, 0), (log, 1), (log, 2), (listener, LISTEN_FD)):
            # One that is in its place already stays there.
            if source != place:
                os.dup2(source, place)
        close_all_but(0, 1, 2, LISTEN_FD, connection)
        if command.fewer_system_calls:
            doing = "give up system calls"
            give_up_system_calls()
        doing = f"execute {command.argv[0]}"
        proceed({**command.env, "LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())})
        os.close(connection)
    except BaseException as error:  # whatever it is, a second one of its parent must not come of it
        with contextlib.suppress(OSError):
            os.write(connection, f"Cannot {doing}: {reason_of(error)}.".encode())
        os._exit(127)
