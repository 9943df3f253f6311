"""What must be known after a restart, in files: processes, and how far epochs are."""

import contextlib
import json
import os

from .errors import Refused
from .orders import NAME


class Running:
    """Which processes there are: for the holder that comes after this one."""

    def __init__(self, folder):
        self._folder = folder
        os.makedirs(folder, mode=0o700, exist_ok=True)

    def note(self, name, tenant):
        record = {"pid": tenant.pid, "started": tenant.started, "address": tenant.address}
        write_file(os.path.join(self._folder, name), json.dumps(record))

    def forget(self, name):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self._folder, name))

    def read(self):
        """Yields (tenant id, record) of those that were running when last noted."""
        for name in os.listdir(self._folder):
            if NAME.fullmatch(name):
                with open(os.path.join(self._folder, name), encoding="ascii") as file:
                    yield name, json.load(file)


class Epochs:
    """The highest epoch that was seen of each tenant: an older claim changes nothing."""

    def __init__(self, folder):
        self._folder = folder
        os.makedirs(folder, mode=0o700, exist_ok=True)

    def advance(self, tenant, epoch):
        path = os.path.join(self._folder, tenant)
        try:
            with open(path, encoding="ascii") as file:
                highest = int(file.read())
        except FileNotFoundError:
            highest = None
        if highest is not None and epoch < highest:
            raise Refused(
                "stale_epoch", f"Epoch {epoch} of {tenant} is over: {highest} has been here."
            )
        if epoch == highest:
            return
        write_file(path, str(epoch))


def write_file(path, text):
    """All of it or nothing, also when the power fails."""
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)
