"""The holder: owns the listening sockets of the tenants on this machine and starts their Odoos.

    /usr/bin/python3 -S holder.py --socket PATH --state DIR

A tenant keeps one address for life. Its listening socket is bound here and handed to each of its
processes as file descriptor 3 (the `LISTEN_FDS` convention), so while none of them runs, requests
wait in the kernel instead of being refused. The holder survives the one who gives it orders, and
its children survive it; a new holder finds them by pid and start time, takes a copy of their
listening sockets and goes on.

Orders come through a Unix socket that only the owner can open: one JSON object a line, one answer a
line, `{"ok": true, …}` or `{"ok": false, "error": code, "message": sentence}`:

    {"op": "ping"}                        -> version, pid
    {"op": "start", "tenant", "epoch", "address", "port", "argv", "env", "cwd", "uid", "gid",
     "cgroups", "nofile", "log"}          -> pid, started (field 22 of /proc/<pid>/stat)
    {"op": "list"}                        -> tenants: {id: {pid, started, running, exits, holding}}
    {"op": "release", "tenant", "epoch"}  -> the socket is closed
    {"op": "watch"}                       -> then {"event": "exit", "tenant", "pid", "code"} a line

Error codes: `bad_request`, `running`, `stale_epoch`, `in_use`, `failed`. A code of an exit is the
exit status, or minus the number of the signal that ended it; 255 where nobody can know it, because
an earlier holder was the parent. Times are seconds since 1970.

It is small, has no dependencies and may run as root: it drops every privilege before it executes
anything, and believes nothing but what comes through its socket.
"""

import argparse
import collections
import contextlib
import ctypes
import errno
import fcntl
import functools
import json
import os
import re
import resource
import selectors
import signal
import socket
import sys
import time
import traceback

VERSION = 1
BACKLOG = 511
MAX_LINE = 1 << 20
# What a client may have left unread before it is dropped.
MAX_PENDING = 4 << 20
KEPT_EXITS = 10
LISTEN_FD = 3
# Beside which a descriptor of ours cannot be in the way of the ones that a child expects.
FIRST_FREE_FD = 10
PR_SET_NO_NEW_PRIVS = 38
SYS_PIDFD_GETFD = 438
UNKNOWN_CODE = 255
TENANT_NAME = re.compile(r"[a-z0-9_-]{1,63}")

libc = ctypes.CDLL(None, use_errno=True)


class Refused(Exception):
    """An answer that says no: a code for programs and a sentence for people."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Tenant:
    """What is known of one tenant: its socket, its process and how earlier ones ended."""

    def __init__(self):
        self.listener = None
        self.address = None
        self.pid = None
        self.started = None
        self.exits = collections.deque(maxlen=KEPT_EXITS)

    @property
    def running(self):
        return self.pid is not None

    def hold(self, address):
        if self.listener and self.address == address:
            return
        self.release()
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except (OSError, OverflowError) as error:
            listener.close()
            where = "{}:{}".format(*address)
            if getattr(error, "errno", None) == errno.EADDRINUSE:
                raise Refused(
                    "in_use",
                    f"Another process listens on {where}. Where it is this tenant's own process,"
                    " which could not be taken over, stop that one first.",
                ) from error
            raise Refused("failed", f"Cannot listen on {where}: {reason_of(error)}.") from error
        self.listener, self.address = listener, address

    def release(self):
        if self.listener:
            self.listener.close()
        self.listener = self.address = None

    def ended(self, code):
        self.exits.append({"at": time.time(), "code": code})
        self.pid = self.started = None

    def describe(self):
        return {
            "pid": self.pid,
            "started": self.started,
            "running": self.running,
            "exits": list(self.exits),
            "holding": self.listener is not None,
        }


class Running:
    """Which processes there are, on disk: for the holder that comes after this one."""

    def __init__(self, folder):
        self._folder = folder
        os.makedirs(folder, mode=0o700, exist_ok=True)

    def note(self, name, tenant):
        record = {"pid": tenant.pid, "started": tenant.started, "address": tenant.address}
        write_file(os.path.join(self._folder, name), json.dumps(record))

    def forget(self, name):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self._folder, name))

    def read(self):
        """Yields (tenant id, record) of those that were running when last noted."""
        for name in os.listdir(self._folder):
            if TENANT_NAME.fullmatch(name):
                with open(os.path.join(self._folder, name), encoding="ascii") as file:
                    yield name, json.load(file)


class Epochs:
    """The highest epoch that was seen of each tenant, on disk: an older claim changes nothing."""

    def __init__(self, folder):
        self._folder = folder
        os.makedirs(folder, mode=0o700, exist_ok=True)

    def advance(self, tenant, epoch):
        path = os.path.join(self._folder, tenant)
        try:
            with open(path, encoding="ascii") as file:
                highest = int(file.read())
        except FileNotFoundError:
            highest = None
        if highest is not None and epoch < highest:
            raise Refused(
                "stale_epoch", f"Epoch {epoch} of {tenant} is over: {highest} has been here."
            )
        if epoch == highest:
            return
        write_file(path, str(epoch))


class Client:
    """A connection to whoever gives orders."""

    def __init__(self, connection):
        self.connection = connection
        self.received = bytearray()
        self.pending = bytearray()
        self.watching = False
        # Says no more and goes once everything was sent.
        self.closing = False

    def say(self, answer):
        self.pending += json.dumps(answer).encode() + b"\n"


class Holder:
    """Carries out orders. Knows nothing of how they arrive."""

    def __init__(self, state):
        self._tenants = collections.defaultdict(Tenant)
        self._epochs = Epochs(os.path.join(state, "epochs"))
        self._running = Running(os.path.join(state, "running"))
        self._operations = {
            "ping": self._ping,
            "start": self._start,
            "list": self._list,
            "release": self._release,
        }

    def carry_out(self, order):
        """The answer to an order; never raises for anything that an order can bring about."""
        try:
            operation = self._operations.get(field(order, "op", str))
            if operation is None:
                raise Refused("bad_request", f"There is no operation {order['op']!r}.")
            return {"ok": True, **operation(order)}
        except Refused as refusal:
            return {"ok": False, "error": refusal.code, "message": str(refusal)}
        except Exception as error:
            # Whatever one order meets, the sockets of all the others stay open.
            traceback.print_exc()
            return {"ok": False, "error": "failed", "message": f"{error}."}

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
            for name, tenant in self._tenants.items():
                if tenant.pid == pid:
                    yield self._ended(name, code)

    def _ping(self, order):
        return {"version": VERSION, "pid": os.getpid()}

    def _list(self, order):
        return {"tenants": {name: tenant.describe() for name, tenant in self._tenants.items()}}

    def _release(self, order):
        name = tenant_name(order)
        self._epochs.advance(name, field(order, "epoch", int))
        if name in self._tenants:
            self._tenants[name].release()
        return {}

    def _start(self, order):
        name = tenant_name(order)
        epoch = field(order, "epoch", int)
        address = (field(order, "address", str), field(order, "port", int))
        command = Command(order)
        self._epochs.advance(name, epoch)
        tenant = self._tenants[name]
        if tenant.running:
            raise Refused("running", f"{name} runs already, as process {tenant.pid}.")
        tenant.hold(address)

        def note(pid):
            tenant.pid, tenant.started = pid, start_time(pid)
            self._running.note(name, tenant)

        try:
            command.start(tenant.listener, note)
        except BaseException:
            tenant.pid = tenant.started = None
            self._running.forget(name)
            raise
        return {"pid": tenant.pid, "started": tenant.started}


class Command:
    """A program with everything that it gets and everything that is taken from it."""

    def __init__(self, order):
        self.argv = strings(order, "argv")
        if not self.argv:
            raise Refused("bad_request", "argv names no program.")
        env = field(order, "env", dict)
        if not all(isinstance(value, str) for value in env.values()):
            raise Refused("bad_request", "The values of env must be strings.")
        self.env = env
        self.cwd = field(order, "cwd", str)
        self.uid = optional(order, "uid", int)
        self.gid = optional(order, "gid", int)
        self.cgroups = strings(order, "cgroups") if order.get("cgroups") else []
        self.nofile = optional(order, "nofile", int)
        self.log = field(order, "log", str)
        if self.uid is not None and self.gid is None:
            raise Refused("bad_request", "A uid needs a gid.")

    def start(self, listener, note):
        """Returns once the new process executes its program.

        The child waits until `note` has put its pid where the next holder finds it: whenever this
        one is killed, no process is left over that nobody knows of. Then it tells of its failures
        through a pipe that exec closes: a program that is missing is an answer and not an exit that
        nobody can explain.
        """
        listening = listener.fileno()
        (waiting, go), (hearing, report) = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
        pid = os.fork()
        if pid == 0:
            os.close(go)
            os.close(hearing)
            self._become(listening, waiting, report)
        os.close(waiting)
        os.close(report)
        with open(hearing, "rb") as pipe:
            with open(go, "wb") as starter:
                try:
                    note(pid)
                    starter.write(b"!")
                    starter.flush()
                except OSError as error:
                    starter.close()
                    os.waitpid(pid, 0)
                    raise Refused("failed", f"Cannot note it: {reason_of(error)}.") from error
            failure = pipe.read().decode(errors="replace")
        if failure:
            os.waitpid(pid, 0)
            raise Refused("failed", failure)

    def _become(self, listener, waiting, report):
        """In the child: never returns."""
        doing = "prepare"
        try:
            if not os.read(waiting, 1):
                os._exit(0)
            report = fcntl.fcntl(report, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE_FD)
            listener = fcntl.fcntl(listener, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE_FD)
            close_all_but(0, 1, 2, report, listener)
            os.setsid()
            os.umask(0o077)
            reset_signals()
            for folder in self.cgroups:
                doing = f"join the cgroup {folder}"
                with open(os.path.join(folder, "cgroup.procs"), "w", encoding="ascii") as file:
                    file.write(str(os.getpid()))
            if self.nofile is not None:
                doing = f"limit open files to {self.nofile}"
                resource.setrlimit(resource.RLIMIT_NOFILE, (self.nofile, self.nofile))
            doing = f"become user {self.uid}"
            if self.uid is not None:
                os.setgroups([])
                os.setresgid(self.gid, self.gid, self.gid)
                os.setresuid(self.uid, self.uid, self.uid)
            if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
                raise OSError(ctypes.get_errno(), "no_new_privs")
            # From here on with the tenant's own rights: a link that it has laid leads nowhere else.
            doing = f"write the log {self.log}"
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
            log = os.open(self.log, flags, 0o640)
            doing = f"enter {self.cwd}"
            os.chdir(self.cwd)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(log, 1)
            os.dup2(log, 2)
            # What is not copied to its place here is closed by exec.
            os.dup2(listener, LISTEN_FD)
            doing = f"execute {self.argv[0]}"
            env = {**self.env, "LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
            os.execvpe(self.argv[0], self.argv, env)
        except BaseException as error:  # whatever it is, a second holder must not come out of it
            os.write(report, f"Cannot {doing}: {reason_of(error)}.".encode())
        finally:
            os._exit(127)


class Server:
    """The loop: orders in, answers and events out, children reaped."""

    def __init__(self, holder, path):
        self._holder = holder
        self._selector = selectors.DefaultSelector()
        self._clients = set()
        self._running = True
        self._wake, wakened = socket.socketpair()
        for end in (self._wake, wakened):
            end.setblocking(False)
        signal.set_wakeup_fd(wakened.fileno(), warn_on_full_buffer=False)
        self._wakened = wakened
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        # The terminal of whoever started us may go away.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self._listener = listen(path)
        self._selector.register(self._wake, selectors.EVENT_READ, self._reap)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        for tenant, process in holder.adopt():
            # Readable once the process has ended.
            ended = functools.partial(self._adopted_ended, tenant, process)
            self._selector.register(process, selectors.EVENT_READ, ended)

    def run(self):
        """Until SIGTERM. Children run on."""
        while self._running:
            for key, events in self._selector.select():
                if isinstance(key.data, Client):
                    self._serve(key.data, events)
                else:
                    key.data()

    def _stop(self, number, frame):
        self._running = False

    def _reap(self):
        try:
            while self._wake.recv(4096):
                pass
        except BlockingIOError:
            pass
        for ended in self._holder.reap():
            self._tell(*ended)

    def _adopted_ended(self, tenant, process):
        self._selector.unregister(process)
        os.close(process)
        self._tell(*self._holder.adopted_ended(tenant))

    def _tell(self, tenant, pid, code):
        for client in [client for client in self._clients if client.watching]:
            client.say({"event": "exit", "tenant": tenant, "pid": pid, "code": code})
            self._send(client)

    def _accept(self):
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        connection.setblocking(False)
        client = Client(connection)
        self._clients.add(client)
        self._selector.register(connection, selectors.EVENT_READ, client)

    def _serve(self, client, events):
        if events & selectors.EVENT_READ:
            self._receive(client)
        if client in self._clients:
            self._send(client)

    def _receive(self, client):
        try:
            data = client.connection.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            self._drop(client)
            return
        if not data:
            client.closing = True
        client.received += data
        while b"\n" in client.received:
            line, _, rest = bytes(client.received).partition(b"\n")
            client.received[:] = rest
            if line.strip():
                self._answer(client, line)
        if len(client.received) > MAX_LINE:
            client.say(refusal("bad_request", f"A line has at most {MAX_LINE} bytes."))
            client.received.clear()
            client.closing = True

    def _answer(self, client, line):
        try:
            order = json.loads(line)
        except ValueError as error:
            client.say(refusal("bad_request", f"This is not JSON: {error}."))
            return
        if not isinstance(order, dict):
            client.say(refusal("bad_request", "An order is a JSON object."))
        elif order.get("op") == "watch":
            client.watching = True
            client.say({"ok": True})
        else:
            client.say(self._holder.carry_out(order))

    def _send(self, client):
        try:
            while client.pending:
                sent = client.connection.send(client.pending)
                del client.pending[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(client)
            return
        if (client.closing and not client.pending) or len(client.pending) > MAX_PENDING:
            self._drop(client)
            return
        events = 0 if client.closing else selectors.EVENT_READ
        if client.pending:
            events |= selectors.EVENT_WRITE
        self._selector.modify(client.connection, events, client)

    def _drop(self, client):
        self._clients.discard(client)
        self._selector.unregister(client.connection)
        client.connection.close()


def write_file(path, text):
    """All of it or nothing, also when the power fails."""
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)


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


def reason_of(error):
    return getattr(error, "strerror", None) or str(error) or repr(error)


def refusal(code, message):
    return {"ok": False, "error": code, "message": message}


def field(order, name, kind):
    value = order.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise Refused("bad_request", f"{name} must be {kind.__name__}, and is {value!r}.")
    return value


def optional(order, name, kind):
    return None if order.get(name) is None else field(order, name, kind)


def strings(order, name):
    values = field(order, name, list)
    if not all(isinstance(value, str) for value in values):
        raise Refused("bad_request", f"{name} must be a list of strings.")
    return values


def tenant_name(order):
    # It becomes the name of a file.
    name = field(order, "tenant", str)
    if not TENANT_NAME.fullmatch(name):
        raise Refused("bad_request", f"{name!r} is not the id of a tenant.")
    return name


def start_time(pid):
    """Field 22 of /proc/<pid>/stat: with the pid it names a process for ever."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        # The name of the program, in parentheses, may hold anything.
        return file.read().rpartition(b")")[2].split()[19].decode()


def reset_signals():
    """What Python and this program changed is not for the program that comes next."""
    signal.set_wakeup_fd(-1)
    for number in (
        signal.SIGCHLD,
        signal.SIGTERM,
        signal.SIGINT,
        signal.SIGHUP,
        signal.SIGPIPE,
        signal.SIGXFSZ,
    ):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def close_all_but(*kept):
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        if descriptor not in kept:
            try:
                os.close(descriptor)
            except OSError as error:
                # The one that read the folder is in the list and is closed already.
                if error.errno != errno.EBADF:
                    raise


def listen(path):
    """A socket that only this user can open, put in place in one go."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
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


def lock(path):
    """Held as long as this process lives; the kernel lets go of it, whatever ends it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"A holder runs already: it holds {path}.")
    return descriptor


def main():
    parser = argparse.ArgumentParser(description="Hold tenants' sockets and start their Odoos.")
    parser.add_argument("--socket", required=True, help="where orders are taken")
    parser.add_argument("--state", required=True, help="folder for what it must remember")
    options = parser.parse_args()
    # Nothing of whoever started us is to be kept open, and 0 to 2 are never anything else.
    close_all_but(0, 1, 2)
    while os.open(os.devnull, os.O_RDWR) < LISTEN_FD:
        pass
    close_all_but(0, 1, 2)
    locked = lock(options.socket + ".lock")
    server = Server(Holder(options.state), options.socket)
    server.run()
    os.close(locked)


if __name__ == "__main__":
    main()
