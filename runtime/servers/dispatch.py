"""The thread that hears of messages for browsers (ImDispatch), kept alive as the crons are.

Where its connection to PostgreSQL dies, stock Odoo looks for a new one after 50 seconds, and what
was said meanwhile reaches a browser with the next message that comes for it.
"""

import sys
import threading

from .connections import keep_at


def keep_alive():
    """Make it so, where the module bus is loaded by now."""
    bus = _bus()
    if bus is not None:
        bus.ImDispatch.run = run


def run(self):
    keep_at(self.loop, _bus().stop_event, "Messages to browsers wait until PostgreSQL is back: %s")


def is_current_thread():
    bus = _bus()
    return bus is not None and isinstance(threading.current_thread(), bus.ImDispatch)


def wake():
    """Tell every browser of this thread what came while nobody listened."""
    for browsers in list(threading.current_thread()._channels_to_ws.values()):
        for browser in list(browsers):
            browser.trigger_notification_dispatching()


def _bus():
    return sys.modules.get("odoo.addons.bus.models.bus")
