"""One process with threads: what a tenant's Odoo is unless its plan has workers.

* A stop lets requests that are being answered finish, and leaves all others to the next start.
* Crons survive a restart of PostgreSQL.
"""

import functools
import signal
import socket
import threading
import time

from odoo.service import server

from .connections import keep_at

# What ends or reloads Odoo, and how often and after how long the main thread is reminded of it.
STOPPING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
WAKE_TIMES, WAKE_SECONDS = 10, 0.05
# How long a stop waits for requests that are being answered.
FINISH_SECONDS = 10


def adapt():
    """Make Odoo's ThreadedServer so."""
    keep_crons_alive()
    finish_requests()
    hear_signals()


def keep_crons_alive():
    run_crons = server.ThreadedServer.cron_thread
    stopping = threading.Event()
    server.CommonServer.on_stop(stopping.set)

    def cron_thread(self, number):
        listen = functools.partial(run_crons, self, number)
        keep_at(listen, stopping, "Crons wait until PostgreSQL is back: %s")

    server.ThreadedServer.cron_thread = cron_thread


def hear_signals():
    """Handlers run in the main thread, which sleeps for a minute at a time.

    It is woken by a signal, but not by one that comes in the instant before it falls asleep, which
    would be heard a minute later. So another thread hears of it too, and wakes the main thread.
    """
    hearing, told = socket.socketpair()
    told.setblocking(False)
    signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    # It does nothing but wake whoever sleeps.
    signal.signal(signal.SIGWINCH, lambda number, frame: None)
    main_thread = threading.main_thread().ident

    def wake():
        # Nobody ever closes that one: named here, it lives as long as this thread.
        while told.fileno() != -1:
            (number,) = hearing.recv(1)
            if number not in STOPPING_SIGNALS:
                continue
            for _ in range(WAKE_TIMES):
                signal.pthread_kill(main_thread, signal.SIGWINCH)
                time.sleep(WAKE_SECONDS)

    threading.Thread(target=wake, name="odoo.saas.signals", daemon=True).start()


def finish_requests():
    """Stock Odoo takes the database away from requests that go on for a second after SIGTERM."""
    stop = server.ThreadedServer.stop

    def stop_after_requests(self):
        if self.httpd:
            # What comes from here on waits in the kernel for the next process.
            self.httpd.shutdown()
            deadline = time.monotonic() + FINISH_SECONDS
            for thread in threading.enumerate():
                while _is_answering(thread) and time.monotonic() < deadline:
                    thread.join(0.05)
        stop(self)

    server.ThreadedServer.stop = stop_after_requests


def _is_answering(thread):
    # A websocket never ends by itself: it has another type as soon as it is one.
    return thread.is_alive() and getattr(thread, "type", None) == "http"
