"""Start a tenant's Odoo: `python3 launch.py -c odoo.conf`, instead of the stock `odoo` script.

With `workers` in the configuration it is several processes, and answers no websockets: those have a
process of their own, `python3 launch.py gevent -c odoo.conf`, which may be in another container.

Stock Odoo meets the Odoos of all others in the database `postgres`: bus and cron listen and notify
there, and start-up looks there whether its database exists. For a tenant every word of that is to
stay inside its own database, so that CONNECT on any other one can be taken away. Hence:

* `postgres` means the tenant's own database, and any other database is refused;
* a reload (SIGHUP, a limit of Odoo's own) ends the process instead of executing it anew: whoever
  started it decides what comes next;
* what nobody needs from outside is shut (servers/doors.py);
* a stop lets requests that are being answered finish (servers/);
* due crons run at once after a start, not a minute later, and survive a restart of PostgreSQL;
* a connection to PostgreSQL that dies without a word is found dead in seconds (servers/);
* requests for which there is no connection left wait for one;
* a database that is not there yet is waited for: most of a start needs none;
* while PostgreSQL is away visitors are told so, and stay logged in.

The configuration must name exactly one database in `db_name`. Somebody else makes it (a template
is built with `-i … --stop-after-init` into an empty one that has the extension pg_trgm): creating
databases is not a tenant's business. `odoo` is found through PYTHONPATH.
"""

import functools
import logging
import os
import signal
import sys
import threading
import time

import odoo.init  # sets Odoo up, so it comes before everything else of it

# isort: split
import psycopg2
import urllib3.util.connection
from servers import absence, connections, dispatch, doors, evented, prefork, threaded

from odoo import sql_db
from odoo.cli.server import check_postgres_user, check_root_user, report_configuration
from odoo.modules.registry import Registry
from odoo.service import db as db_service
from odoo.service import server
from odoo.tools import SQL, config

_logger = logging.getLogger("odoo.saas.launch")

# The exit status that asks for another start (EX_TEMPFAIL).
START_AGAIN = 75
# Where stock Odoo meets its neighbours.
MEETING_PLACE = "postgres"
# How long a request waits for a connection before it is answered with an error.
CONNECTION_SECONDS = 30
# How often a start looks for a database that its role may connect to: at first, and at most how
# seldom. Between these it is a twentieth of what it has waited: each look is work for PostgreSQL.
DATABASE_TRY_SECONDS, DATABASE_REST_SECONDS = 0.05, 1


class Misconfigured(Exception):
    """What the configuration lacks, as a sentence for the operator."""


class ForeignDatabase(psycopg2.OperationalError):
    """Raised as what PostgreSQL itself would say: every caller in Odoo is prepared for that."""

    # Whoever has asked may read it (servers/doors.py).
    saas_worded = True

    def __init__(self, name):
        super().__init__(f"This Odoo serves one database only and does not connect to {name!r}.")


@functools.cache
def own_database():
    """The one database of this process; whatever the configuration is turned into later."""
    names = config["db_name"]
    if len(names) != 1:
        raise Misconfigured(
            "A tenant's Odoo serves exactly one database: set db_name to its name in the"
            f" configuration (it names {len(names)})."
        )
    return names[0]


def stay_inside():
    """Keep every connection of this process in its own database."""
    connect = sql_db.db_connect

    def connect_inside(to, allow_uri=False, readonly=False):
        own = own_database()
        if to == MEETING_PLACE:
            connection = connect(own)
            if _is_cron_thread():
                return Woken(connection, lambda: _notify_crons(connection))
            return Woken(connection, dispatch.wake) if dispatch.is_current_thread() else connection
        if to != own:
            raise ForeignDatabase(to)
        return connect(own, readonly=readonly)

    sql_db.db_connect = connect_inside
    # It has imported the name before we could wrap it.
    db_service.db_connect = connect_inside

    new_registry = Registry.new.__func__

    def new_own_registry(cls, db_name, **kwargs):
        # Without this, calling RPC for a database `postgres` would load everything a second time.
        if db_name != own_database():
            raise ForeignDatabase(db_name)
        registry = new_registry(cls, db_name, **kwargs)
        dispatch.keep_alive()
        return registry

    Registry.new = classmethod(new_own_registry)


class Woken:
    """The connection on which a thread listens, which is woken as soon as it does."""

    def __init__(self, connection, wake):
        self._connection = connection
        self._wake = wake

    def cursor(self):
        cursor = self._connection.cursor()
        # Listening begins with the first commit. What was said earlier is lost: a cron would look
        # for the first time a minute later, and a browser miss what came while nobody listened.
        cursor.postcommit.add(self._wake)
        return cursor


def _notify_crons(connection):
    with connection.cursor() as cr:
        cr.execute(SQL("SELECT pg_notify('cron_trigger', %s)", connection.dbname))


def _is_cron_thread():
    return getattr(threading.current_thread(), "type", None) == "cron"


def queue_for_connections():
    """Stock Odoo answers a request with an error when the pool is empty: let it wait instead.

    The plan bounds the connections and nothing bounds the requests: a browser alone sends six at
    once, and a start may find hundreds that have waited in the kernel.
    """
    borrow, give_back = sql_db.ConnectionPool.borrow, sql_db.ConnectionPool.give_back
    returned = threading.Condition()

    def patient_borrow(self, connection_info):
        me = threading.get_ident()
        deadline = time.monotonic() + CONNECTION_SECONDS
        with returned:
            while not _has_room(self, me) and time.monotonic() < deadline:
                returned.wait(deadline - time.monotonic())
            connection = borrow(self, connection_info)
            connection.borrowed_by = me
            return connection

    def telling_give_back(self, connection, keep_in_pool=True):
        try:
            give_back(self, connection, keep_in_pool)
        finally:
            with returned:
                returned.notify_all()

    sql_db.ConnectionPool.borrow = patient_borrow
    sql_db.ConnectionPool.give_back = telling_give_back


def _has_room(pool, thread):
    """A thread that has one connection and needs a second comes first.

    Some are kept for those: otherwise all could be with threads that wait for a second one.
    """
    used = [
        connection
        for connection in pool._connections
        if connection._pool_in_use and not connection.closed and not hasattr(connection, "leaked")
    ]
    has_one = any(connection.borrowed_by == thread for connection in used)
    return len(used) < pool._maxconn - (0 if has_one else pool._maxconn // 4)


def call_by_ipv6():
    """urllib3 binds a socket to learn whether there is IPv6, which a tenant's process may not."""
    urllib3.util.connection.HAS_IPV6 = os.path.exists("/proc/net/if_inet6")


def tame_reloads():
    """Odoo has stopped gracefully when it calls this to execute itself anew: end instead."""

    def end_instead(updated_modules=None):
        _logger.info("A reload was asked for: ending, so that this process is started anew.")
        logging.shutdown()
        sys.exit(START_AGAIN)

    server._reexec = end_instead


def _is_no_option_of_ours(record):
    """Odoo warns of every option that it does not know; those of saas_tenant are meant to be."""
    return not any(str(argument).startswith("saas_") for argument in record.args or ())


def prepare(args):
    """Everything but the start: the name of the database, to which nothing has connected yet."""
    stay_inside()
    connections.notice_silence()
    queue_for_connections()
    tame_reloads()
    call_by_ipv6()
    doors.shut()
    absence.tell_of_it()
    check_root_user()
    logging.getLogger("odoo.tools.config").addFilter(_is_no_option_of_ours)
    config.parse_config(args, setup_logging=True)
    check_postgres_user()
    # With a filter Odoo would look for databases that its role owns, and a tenant's owns none.
    config["dbfilter"] = ""
    try:
        database = own_database()
    except Misconfigured as error:
        sys.exit(str(error))
    if odoo.evented:
        evented.adapt()
    elif config["workers"]:
        prefork.adapt(database)
    else:
        threaded.adapt()
    return database


def await_database(name):
    """Return once the role may connect to it, which is when it is all made.

    However long that takes, as on a machine that is busy: whoever started this process ends it when
    there will be none.
    """
    # The first process of a container ends by no signal that it has not asked for.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit())
    _name, connection_info = sql_db.connection_info_for(name)
    began = time.monotonic()
    told = False
    while True:
        try:
            psycopg2.connect(**connection_info).close()
            return
        except psycopg2.OperationalError as error:
            if not told:
                _logger.info("Waiting for the database: %s", error)
            told = True
            twentieth = (time.monotonic() - began) / 20
            time.sleep(min(DATABASE_REST_SECONDS, max(DATABASE_TRY_SECONDS, twentieth)))


def main(args):
    database = prepare(args)
    report_configuration()
    await_database(database)
    # `odoo.cli` would create a database that is missing; what is missing here is for the operator.
    return server.start(preload=[database], stop=config["stop_after_init"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
