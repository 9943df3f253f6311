"""A process for each worker: what serves the requests of a tenant whose plan has workers.

* Websockets are answered by a process of their own (evented.py), which is not started here.
* A stop lets the requests that are being answered or wait already finish.
* Due crons run at once after a start, not a minute later, and survive a restart of PostgreSQL.

Nothing here may start a thread: it would not survive the fork that makes a worker.
"""

import logging
import os
import sys
import threading
import time
from contextlib import closing

import psycopg2

from odoo import sql_db
from odoo.modules.registry import Registry
from odoo.service import server
from odoo.tools import config

_logger = logging.getLogger("odoo.saas.prefork")

# How many connections may wait for a worker. Stock Odoo has eight for each: two browsers fill that.
BACKLOG = 511
# How long a visitor's connection may stand still, in seconds. A router hands on what visitors send
# and read no faster than they do; stock Odoo takes a pause of two seconds for their end.
STILL_SECONDS = "20"
# How long a worker that ends goes on with requests that wait already.
FINISH_SECONDS = 10


def adapt(database):
    """Make Odoo's PreforkServer so."""
    if not (config["limit_time_real"] and config["limit_time_cpu"]):
        # With threads 0 means no limit. Here it is a limit of no time at all.
        sys.exit("With workers, limit_time_real and limit_time_cpu must not be 0: set them higher.")
    os.environ["ODOO_HTTP_SOCKET_TIMEOUT"] = STILL_SECONDS
    hold_what_waits()
    spawn_patiently(database)
    finish_requests()
    wake_crons()
    end_instead_of_reloading()


def hold_what_waits():
    start = server.PreforkServer.start

    def start_with_room(self):
        start(self)
        if self.socket:
            self.socket.listen(BACKLOG)

    server.PreforkServer.start = start_with_room


def spawn_patiently(database):
    """As stock, without a process for websockets, and without an end where PostgreSQL is away.

    A worker for crons ends with its connection. Where that is because PostgreSQL does, stock Odoo
    either ends altogether, because it cannot look for changes before the fork, or forks one after
    another that ends at once.
    """
    told = False

    def process_spawn(self):
        nonlocal told
        http = self.population - len(self.workers_http)
        cron = config["max_cron_threads"] - len(self.workers_cron)
        if http <= 0 and cron <= 0:
            return
        try:
            load(database)
        except psycopg2.OperationalError as error:
            # Each time that it is away is worth one line. The next look is a beat later.
            if not told:
                _logger.warning("New workers wait until PostgreSQL is back: %s", error)
            told = True
            return
        told = False
        for _ in range(http):
            self.worker_spawn(server.WorkerHTTP, self.workers_http)
        for _ in range(cron):
            self.worker_spawn(server.WorkerCron, self.workers_cron)

    server.PreforkServer.process_spawn = process_spawn


def load(database):
    """What all workers share, as it is now; also where PostgreSQL was away when this started."""
    try:
        registry = Registry(database)
        with closing(registry.cursor()) as cr:
            registry.check_signaling(cr)
    finally:
        # Two processes on one connection would read each other's answers.
        sql_db.close_all()


def finish_requests():
    """Whoever waits in the queue of a socket is sent away when the last one that has it ends."""

    def stop(self):
        deadline = time.monotonic() + FINISH_SECONDS
        answered = -1
        while answered < self.request_count and time.monotonic() < deadline:
            answered = self.request_count
            self.process_work()

    server.WorkerHTTP.stop = stop


def wake_crons():
    start = server.WorkerCron.start

    def start_woken(self):
        # By this it is known for one that waits for crons (launch.py).
        threading.current_thread().type = "cron"
        # That one is held for good, and comes on top of what a job may need.
        sql_db._Pool._maxconn += 1
        start(self)

    server.WorkerCron.start = start_woken


def end_instead_of_reloading():
    """Stock Odoo leaves its workers to a child and executes itself anew, which here is the end."""

    def fork_and_reload(self):
        self.socket.close()
        # It is looked at once more when they have finished, and leads to launch.tame_reloads.
        server.server_phoenix = True

    server.PreforkServer.fork_and_reload = fork_and_reload
