"""The master's Odoo at a Unix socket, where `http_interface` names one (`unix:///…`).

A port belongs to anybody who binds it while the master is away, and whoever came would then be told
passwords. The socket lies in a folder where only the master can put one.
"""

import logging
import os
import socket
import socketserver

from odoo.service import server

_logger = logging.getLogger("odoo.saas.socket")


def serve_sockets():
    """Make Odoo's server listen there; elsewhere it listens as before."""
    adapted = server.ThreadedWSGIServerReloadable
    bind, accept = adapted.server_bind, adapted.get_request

    def server_bind(self):
        if self.address_family != socket.AF_UNIX:
            return bind(self)
        # As the stock one does, but for looking up the name of a host that there is not.
        self.reload_socket = False
        before = os.umask(0o007)
        try:
            socketserver.TCPServer.server_bind(self)
        finally:
            os.umask(before)
        _logger.info("HTTP service running at %s", self.server_address)
        self.server_name, self.server_port = self.server_address = ("localhost", 80)

    def get_request(self):
        request, address = accept(self)
        # Odoo takes it for an address, and who is there is on this machine.
        return request, address or ("127.0.0.1", 0)

    adapted.server_bind, adapted.get_request = server_bind, get_request
