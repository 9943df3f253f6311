"""In a fork server: the processes of tenants, each forked for one order of the holder's."""

import contextlib
import json
import locale
import multiprocessing
import os
import random
import signal
import socket
import sys
import tempfile

from .birth import Command, begin
from .processes import PR_SET_DUMPABLE, PR_SET_PDEATHSIG, prctl, show_command

MAX_ORDER = 1 << 17


def end_with(parent):
    """Nobody else would end it."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("Whoever started it is gone.")


def serve(listener, kept=()):
    """Returns in the processes of tenants only, with the arguments of each.

    It forks before it reads: whatever an order holds, no later tenant's process has it in its
    memory. `kept` are the variables of the environment that a tenant's process keeps.
    """
    while True:
        connection, _ = listener.accept()
        child = os.fork()
        if child == 0:
            # Nobody waits for a child's child but the holder, whose child it becomes.
            if os.fork():
                os._exit(0)
            listener.detach()
            return _be_born(connection, {name: os.environ[name] for name in kept})
        connection.close()
        os.waitpid(child, 0)


def settle_in():
    """What Python draws or reads once, at its start, and what would be the fork server's here."""
    with contextlib.suppress(locale.Error):
        locale.setlocale(locale.LC_CTYPE, "")
    tempfile.tempdir = None
    # Otherwise all would draw the same numbers, and know the key of all others.
    random.seed()
    multiprocessing.current_process().authkey = os.urandom(32)


def _be_born(connection, kept):
    message, descriptors, *_ = socket.recv_fds(connection, MAX_ORDER, 1)
    if not descriptors:
        # Whoever connected has gone away again.
        os._exit(0)
    command = Command(json.loads(message))

    def proceed(env):
        os.environ.clear()
        os.environ.update(kept | env)
        settle_in()
        # A change of user takes /proc/<pid> away from it; one that executes a program gets it back.
        prctl(PR_SET_DUMPABLE, 1)
        show_command(command.argv)

    begin(command, descriptors[0], connection.detach(), proceed)
    sys.argv = command.argv[1:]
    return command.argv[2:]
