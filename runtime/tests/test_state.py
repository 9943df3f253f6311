"""What is right before an exec and wrong after a fork: a forked process begins as an executed."""

import json
import signal
import sys
from pathlib import Path

from .holder_case import ForkingCase, wait_for

# Tells of its own process all that another one could have left in it.
STATE = """
import ctypes, gc, json, locale, logging, os, random, resource, signal, socket, sys, tempfile
import threading, time, multiprocessing, uuid
limits = [name for name in dir(resource) if name.startswith("RLIMIT_")]
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
stat = open("/proc/self/stat").read().rpartition(")")[2].split()
libc = ctypes.CDLL(None)
libc.setlocale.restype = ctypes.c_char_p
death = ctypes.c_int()
libc.prctl(2, ctypes.byref(death), 0, 0, 0)

def marked(mask):
    # libc keeps two for itself.
    return [int(n) for n in sorted(signal.valid_signals()) if int(mask, 16) >> n - 1 & 1]

left, right = os.pipe()
os.close(left)
try:
    os.write(right, b"to nobody")
except BrokenPipeError as error:
    hung_up = type(error).__name__
os.close(right)
alike = {
    "signals": {field: marked(status[field]) for field in ("SigBlk", "SigIgn", "SigCgt")},
    "pending signals": [status[field].strip() for field in ("SigPnd", "ShdPnd")],
    "handlers": {str(n): str(signal.getsignal(n)).split(" at ")[0] for n in signal.valid_signals()},
    "who hangs up": hung_up,
    "wakeup": signal.set_wakeup_fd(-1),
    "death of the parent": death.value,
    "timers": [signal.getitimer(n) for n in (0, 1, 2)],
    "timer slack": open("/proc/self/timerslack_ns").read(),
    "limits": {name: resource.getrlimit(getattr(resource, name)) for name in limits},
    "umask": status["Umask"].strip(),
    "environment": dict(sorted(os.environ.items())),
    "locale": [libc.setlocale(6, None).decode(), locale.setlocale(locale.LC_ALL)],
    "time zone": time.tzname,
    "encodings": [sys.getfilesystemencoding(), sys.stdout.encoding, sys.stderr.encoding],
    "temporary files": tempfile.gettempdir(),
    "descriptors": {fd: os.path.exists(f"/proc/self/fd/{fd}") for fd in range(64)},
    "time-outs": socket.getdefaulttimeout(),
    "threads": [threading.active_count(), status["Threads"].strip()],
    "collector": [gc.isenabled(), gc.get_debug()],
    "logs": [len(logging.root.handlers), logging.root.level],
    "folder": os.getcwd(),
    "arguments": sys.argv,
    "command": open("/proc/self/cmdline").read().rstrip("\\0"),
    "name": open("/proc/self/comm").read(),
    "priority": [os.nice(0), os.sched_getscheduler(0), sorted(os.sched_getaffinity(0))],
    "memory": open("/proc/self/oom_score_adj").read(),
    "dumpable": libc.prctl(3, 0, 0, 0, 0),
    "core": open("/proc/self/coredump_filter").read(),
    "personality": open("/proc/self/personality").read(),
    "rights": {field: text.strip() for field, text in status.items() if field.startswith("Cap")},
    "no new rights": status["NoNewPrivs"].strip(),
    "session": [os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid(), stat[4]],
    "parent": os.getppid(),
    "kept children": libc.prctl(37, ctypes.byref(death), 0, 0, 0) or death.value,
}
own = {
    "random": random.random(),
    "name of a file": next(tempfile._get_candidate_names()),
    "uuid": str(uuid.uuid4()),
    "key": multiprocessing.current_process().authkey.hex(),
    "start": stat[19],
}
del alike["environment"]["LISTEN_PID"]
print(json.dumps({"alike": alike, "own": own}), flush=True)
"""

# What a program may have done by the time at which it forks.
USED = """
import locale, os, random, signal, socket, tempfile
wake, wakened = socket.socketpair()
wakened.setblocking(False)
signal.set_wakeup_fd(wakened.fileno())
for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT, signal.SIGWINCH, signal.SIGRTMIN):
    signal.signal(number, lambda number, frame: None)
for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR2):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM, signal.SIGUSR1])
signal.setitimer(signal.ITIMER_REAL, 3600)
os.umask(0o022)
locale.setlocale(locale.LC_CTYPE, "C")
random.seed(1)
tempfile.gettempdir()
"""


class TestState(ForkingCase):
    used = USED

    def state(self, **order):
        Path(self.log).unlink(missing_ok=True)
        program = Path(self.folder, "program")
        program.write_text(STATE)
        started = super().start(
            argv=[sys.executable, str(program)],
            env={"LC_ALL": "C.UTF-8", "KEPT": "here", "TMPDIR": self.folder},
            **order,
        )
        wait_for(lambda: not self.tenant()["running"])
        return started, json.loads(self.output())

    def test_a_forked_process_begins_as_an_executed_one(self):
        executed, executed_state = self.state(fork_server=None)
        forked, forked_state = self.state()
        self.assertEqual([executed["forked"], forked["forked"]], [False, True])
        for part, wanted in executed_state["alike"].items():
            with self.subTest(part):
                self.assertEqual(forked_state["alike"][part], wanted)
        ignored = forked_state["alike"]["signals"]["SigIgn"]
        self.assertEqual(ignored, [signal.SIGPIPE, signal.SIGXFSZ])
        self.assertEqual(forked_state["alike"]["parent"], self.holder.pid)

    def test_what_is_drawn_is_drawn_by_each_for_itself(self):
        states = [self.state()[1]["own"] for _ in range(3)]
        for part in states[0]:
            with self.subTest(part):
                self.assertEqual(len({state[part] for state in states}), 3)

    def test_the_start_that_is_told_is_its_own(self):
        started, state = self.state()
        self.assertEqual(state["own"]["start"], started["started"])
        self.assertGreater(int(started["started"]), self.start_of_fork_server())

    def start_of_fork_server(self):
        pid = self.fork_servers()["tpl_one"]["pid"]
        text = Path(f"/proc/{pid}/stat").read_text()
        return int(text.rpartition(")")[2].split()[19])
