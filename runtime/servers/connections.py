"""Connections to PostgreSQL that die without a word, as where a network loses what is sent.

By itself TCP sends on for a quarter of an hour, ever more seldom, and a connection on which
somebody only listens is never found dead at all. So the kernel asks the other end while nothing is
said, and gives a connection up on which nothing was confirmed for some seconds. What comes next
makes a new one. At a Unix socket there is no network, and libpq asks nobody there.
"""

import logging
import time

import psycopg2

from odoo import sql_db

_logger = logging.getLogger("odoo.saas.connections")

# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
LIVENESS = {
    # The kernel asks for a connection after 1, 3 and 7 s: whoever begins anew asks more often.
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    # Twice the time within which it has to go on when the network is back (ms): what was silent for
    # less than half of that, TCP itself sends again in time.
    "tcp_user_timeout": 20_000,
}
# How long whoever listens waits before it looks for a new connection, and in what time a look that
# found none has ended.
RECONNECT_SECONDS, LOOK_SECONDS = 5, 15
# What psycopg2 says of a connection that it was not told to close.
BROKEN = 2


def notice_silence():
    """Make Odoo's connections so, and say of each that it was found dead."""
    info_for = sql_db.connection_info_for
    give_back = sql_db.ConnectionPool.give_back

    def connection_info_for(*args, **kwargs):
        name, info = info_for(*args, **kwargs)
        return name, {**info, **LIVENESS}

    class TellingConnection(sql_db.PsycoConnection):
        def reset(self):
            try:
                super().reset()
            except psycopg2.DatabaseError as error:
                tell_of(self)
                # By this kind of error the pool passes over a connection that it cannot use; the
                # error of a server which has just gone is of another kind.
                raise psycopg2.OperationalError(str(error)) from error

        def close(self):
            tell_if_dead(self)
            super().close()

    def telling_give_back(self, connection, keep_in_pool=True):
        tell_if_dead(connection)
        give_back(self, connection, keep_in_pool)

    sql_db.connection_info_for = connection_info_for
    sql_db.PsycoConnection = TellingConnection
    sql_db.ConnectionPool.give_back = telling_give_back


def tell_if_dead(connection):
    if connection.closed == BROKEN:
        tell_of(connection)


def tell_of(connection):
    if not getattr(connection, "told", False):
        connection.told = True
        _logger.warning("A connection to PostgreSQL was found dead; a new one takes its place.")


def keep_at(listen, stopping, words):
    """Listen on a new connection whenever the one before has died, until it is to stop.

    Without this the thread that listens dies, without a word, with its connection.
    """
    told = False
    while not stopping.is_set():
        began = time.monotonic()
        try:
            listen()
        except psycopg2.Error as error:
            # Each time that it is away is worth one line, not one every few seconds.
            told = told and time.monotonic() - began < LOOK_SECONDS
            if not told and not stopping.is_set():
                _logger.warning(words, error)
            told = True
            stopping.wait(RECONNECT_SECONDS)
