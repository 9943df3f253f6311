"""Odoo's own command line for the master, whose role may connect to no database but its own.

As in a tenant, `postgres` (where Odoo meets for its bus and its scheduled jobs) means the database
that the configuration pins. Unlike a tenant, nobody starts the master anew when it reloads: it does
that by itself.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "runtime"))

import launch  # noqa: E402
import odoo_socket  # noqa: E402
from servers import absence, connections, doors, threaded  # noqa: E402

import odoo.cli  # noqa: E402

if __name__ == "__main__":
    launch.stay_inside()
    doors.shut()
    connections.notice_silence()
    threaded.keep_crons_alive()
    odoo_socket.serve_sockets()
    absence.tell_of_it()
    odoo.cli.main()
