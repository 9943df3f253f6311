"""What a process gives up for good before it is a tenant's, as far as this machine lets it."""

import contextlib
import os

from .errors import reason_of
from .system_calls import give_up_system_calls
from .view import enter_own_view


def what_is_missing(folder):
    """Why a tenant's process cannot have it, by name; None where it can. Each is tried for once."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return {
        "system_calls": failure_of(give_up_system_calls),
        "view": failure_of(lambda: enter_own_view(folder, [])),
    }


def failure_of(attempt):
    """Of a process of its own: whatever it gives up, this one keeps."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        reason = "it ended"
        try:
            attempt()
            reason = ""
        except Exception as error:
            reason = reason_of(error)
        finally:
            with contextlib.suppress(OSError):
                os.write(writing, reason.encode())
            os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as file:
        reason = file.read()
    os.waitpid(child, 0)
    return reason or None
