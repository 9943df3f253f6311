"""Carries out orders. Knows nothing of how they arrive."""

import collections
import os
import socket
import traceback

from .birth import Command, attend, begin
from .errors import Refused, refusal
from .fork_servers import ForkServers
from .isolation import what_is_missing
from .orders import field, name_in, optional
from .processes import (
    copy_of_listener,
    hand_signals_on,
    kill_all_of,
    open_process,
    start_time,
)
from .records import Epochs, Running
from .tenant import Tenant

VERSION = 2
UNKNOWN_CODE = 255


class Holder:
    def __init__(self, state):
        self._tenants = collections.defaultdict(Tenant)
        self._epochs = Epochs(os.path.join(state, "epochs"))
        self._running = Running(os.path.join(state, "running"))
        self._fork_servers = ForkServers(os.path.join(state, "fork-servers"))
        self._missing = what_is_missing(os.path.join(state, "view"))
        self._operations = {
            "ping": self._ping,
            "start": self._start,
            "list": self._list,
            "release": self._release,
            "warm": self._warm,
            "end": self._end,
            "missing": self._tell_missing,
        }

    def carry_out(self, order):
        """The answer to an order; never raises for anything that an order can bring about."""
        try:
            operation = self._operations.get(field(order, "op", str))
            if operation is None:
                raise Refused("bad_request", f"There is no operation {order['op']!r}.")
            return {"ok": True, **operation(order)}
        except Refused as refused:
            return refusal(refused.code, str(refused))
        except Exception as error:
            # Whatever one order meets, the sockets of all the others stay open.
            traceback.print_exc()
            return refusal("failed", f"{error}.")

    def adopt(self):
        """Take over what an earlier holder started: yields (tenant id, pidfd) of each process."""
        for name, record in self._running.read():
            pid, started, address = record["pid"], record["started"], tuple(record["address"])
            process = open_process(pid, started)
            if process is None:
                self._running.forget(name)
                continue
            tenant = self._tenants[name]
            tenant.pid, tenant.started = pid, started
            tenant.listener = copy_of_listener(process, address)
            tenant.address = address if tenant.listener else None
            yield name, process

    def adopted_ended(self, name):
        """What `reap` finds out of children, for a process that `adopt` has told of."""
        return self._ended(name, UNKNOWN_CODE)

    def _ended(self, name, code):
        tenant = self._tenants[name]
        pid = tenant.pid
        tenant.ended(code)
        self._running.forget(name)
        return name, pid, code

    def reap(self):
        """Take note of children that ended: yields (tenant id, pid, code)."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            code = os.waitstatus_to_exitcode(status)
            self._fork_servers.ended(pid)
            for name, tenant in self._tenants.items():
                if tenant.pid == pid:
                    yield self._ended(name, code)

    def _ping(self, order):
        return {"version": VERSION, "pid": os.getpid()}

    def _list(self, order):
        return {
            "tenants": {name: tenant.describe() for name, tenant in self._tenants.items()},
            "fork_servers": self._fork_servers.describe(),
        }

    def _release(self, order):
        name = name_in(order, "tenant")
        self._epochs.advance(name, field(order, "epoch", int))
        if name in self._tenants:
            self._tenants[name].release()
        return {}

    def _warm(self, order):
        self._fork_servers.warm(order)
        return {}

    def _end(self, order):
        uid = field(order, "uid", int)
        if uid <= 0:
            raise Refused("bad_request", f"{uid} is not the user of a tenant.")
        kill_all_of(uid)
        return {}

    def _tell_missing(self, order):
        return {"missing": self._missing}

    def _possible(self, order):
        """What this machine does not give is left out; the target's page tells of it."""
        temporary = None if self._missing["view"] else order.get("temporary")
        fewer = not self._missing["system_calls"]
        return {**order, "temporary": temporary, "fewer_system_calls": fewer}

    def _start(self, order):
        name = name_in(order, "tenant")
        epoch = field(order, "epoch", int)
        address = (field(order, "address", str), field(order, "port", int))
        fork_server = optional(order, "fork_server", str)
        order = self._possible(order)
        command = Command(order)
        self._epochs.advance(name, epoch)
        tenant = self._tenants[name]
        if tenant.running:
            raise Refused("running", f"{name} runs already, as process {tenant.pid}.")
        if command.uid is not None:
            # Of an earlier run, or of somebody who had the seat before.
            kill_all_of(command.uid)
        tenant.hold(address)

        def note(pid):
            tenant.pid, tenant.started = pid, start_time(pid)
            self._running.note(name, tenant)

        forked = self._fork_servers.fork(fork_server, order, tenant.listener)
        connection, pid = forked or fork(command, tenant.listener)
        try:
            with connection:
                attend(connection, pid, note)
        except BaseException:
            tenant.pid = tenant.started = None
            self._running.forget(name)
            raise
        return {"pid": tenant.pid, "started": tenant.started, "forked": forked is not None}


def fork(command, listener):
    """A new process that waits for its go, then executes its program: (connection, pid)."""
    connection, childs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:

        def execute(env):
            hand_signals_on()
            os.execvpe(command.argv[0], command.argv, env)

        begin(command, listener.fileno(), childs.fileno(), execute)
    childs.close()
    return connection, int(connection.recv(20))
