"""Import an Odoo once, then fork tenants' from it: what was imported is there at once.

    python3 fork_server.py -c odoo.conf --modules sale,crm --socket PATH --parent PID

It is started by the holder, takes orders from it through a socket of its own, and ends with it.
Its configuration names addons and nothing else: no database, no secret, no folder of a tenant's.
A process that it forks becomes what its order says (holder/birth.py), reads the tenant's own
configuration with the tenant's own rights, and goes the same way as one that was executed
(launch.py).
"""

import argparse
import functools
import gc
import socket
import sys

import launch  # sets Odoo up, so it comes before everything else of it

# isort: split
from holder.forking import end_with, serve
from holder.processes import listen

from odoo.modules.module import Manifest, load_openerp_module
from odoo.tools import config


@functools.cache
def depth(name):
    """How far a module is from the one that depends on nothing."""
    return 1 + max(map(depth, Manifest.for_addon(name)["depends"]), default=0)


def import_everything(conf, modules):
    """What a start would import, in the order in which it would."""
    config.parse_config(["-c", conf], setup_logging=False)
    gc.disable()
    for name in [*config["server_wide_modules"], *sorted(modules, key=lambda m: (depth(m), m))]:
        load_openerp_module(name)
    gc.collect()
    # Otherwise the first collection in a child would touch, and so copy, the pages of all of it.
    gc.freeze()
    gc.enable()


def main():
    parser = argparse.ArgumentParser(description="Fork tenants' Odoos.")
    parser.add_argument("-c", dest="conf", required=True, help="names the addons and nothing else")
    parser.add_argument("--modules", required=True, help="what to import, comma separated")
    parser.add_argument("--socket", required=True, help="where orders are taken once it is ready")
    parser.add_argument("--parent", required=True, type=int, help="the process with which it ends")
    options = parser.parse_args()
    end_with(options.parent)
    import_everything(options.conf, options.modules.split(","))
    listener = listen(options.socket, socket.SOCK_SEQPACKET)
    # Odoo counts in UTC from its import on, whatever the machine does.
    sys.exit(launch.main(serve(listener, kept=["TZ"])))


if __name__ == "__main__":
    main()
