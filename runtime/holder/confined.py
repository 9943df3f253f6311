"""Run a program as a tenant's processes run: another user, with fewer system calls, for good.

    PYTHONPATH=… python3 -S -m holder.confined UID PROGRAM ARGUMENT…

It is for what works for a tenant and is not started by the holder, such as the build of a template.
"""

import contextlib
import os
import sys

from .processes import become_user
from .system_calls import give_up_system_calls


def main():
    _, uid, *command = sys.argv
    become_user(int(uid), int(uid))
    # Where the kernel cannot, the holder says so, and the target's page with it.
    with contextlib.suppress(OSError):
        give_up_system_calls()
    os.execvp(command[0], command)


main()
