"""One process with gevent: what answers the websockets of a tenant whose plan has workers.

* It has loaded everything before it listens: nobody's first message waits for that.
* A stop tells all browsers, so that they come back by themselves. Stock Odoo is killed.
"""

import signal
import sys
import time

from odoo.service import server

# How long a stop waits until everybody was told.
FAREWELL_SECONDS = 5


def adapt():
    """Make Odoo's GeventServer so."""
    server.GeventServer.run = run
    server.GeventServer.stop = stop


def run(self, preload, stop):
    import gevent  # noqa: PLC0415  only where Odoo has let it change everything

    def end():
        if self.httpd is None:
            sys.exit(0)
        self.httpd.stop()

    # The first process of a container does not even end by a signal that it does not handle.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        gevent.signal_handler(number, end)
    rc = server.preload_registries(preload)
    # It serves until it is told to end.
    self.start()
    self.stop()
    return rc


def stop(self):
    # As stock, but for a function that gevent does not have any more.
    server.CommonServer.stop(self)
    deadline = time.monotonic() + FAREWELL_SECONDS
    while _open_websockets() and time.monotonic() < deadline:
        time.sleep(0.05)


def _open_websockets():
    bus = sys.modules.get("odoo.addons.bus.websocket")
    if bus is None:
        return []
    return [one for one in bus._websocket_instances if one.state is bus.ConnectionState.OPEN]
