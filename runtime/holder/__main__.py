import argparse
import fcntl
import os
import sys

from .holder import Holder
from .processes import LISTEN_FD, PR_SET_CHILD_SUBREAPER, close_all_but, prctl
from .server import Server


def lock(path):
    """Held as long as this process lives; the kernel lets go of it, whatever ends it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"A holder runs already: it holds {path}.")
    return descriptor


def main():
    parser = argparse.ArgumentParser(
        prog="holder", description="Hold tenants' sockets and start their Odoos."
    )
    parser.add_argument("--socket", required=True, help="where orders are taken")
    parser.add_argument("--state", required=True, help="folder for what it must remember")
    options = parser.parse_args()
    # Nothing of whoever started us is to be kept open, and 0 to 2 are never anything else.
    close_all_but(0, 1, 2)
    while os.open(os.devnull, os.O_RDWR) < LISTEN_FD:
        pass
    close_all_but(0, 1, 2)
    locked = lock(options.socket + ".lock")
    # What a fork server makes becomes our child, so that we hear how it ends.
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    server = Server(Holder(options.state), options.socket)
    server.run()
    os.close(locked)


main()
