"""The master's way to the sidecar: a hint that there is work, and one question. Plain Python.

Both are known from the environment of the master's process; nothing of it is in the database. Where
the sidecar is on the same machine, the way is a Unix socket (`unix:/…`) in a folder that only the
sidecar can write: nobody else is ever shown the token.
"""

import functools
import http.client
import json
import logging
import os
import socket
import threading

import requests

_logger = logging.getLogger(__name__)

NUDGE_SECONDS = 0.3
SIGN_ON_SECONDS = 2
SOCKET = "unix:"


class SidecarAwayError(Exception):
    """It did not answer, or it is not known where it is."""


class SidecarRefusedError(Exception):
    """It answered with a reason why not; its words are for the person who asked."""


def url():
    return os.environ.get("SAAS_SIDECAR_URL", "").rstrip("/")


def _headers():
    with open(os.environ["SAAS_NUDGE_TOKEN_FILE"], encoding="ascii") as file:
        return {"Authorization": f"Bearer {file.read().strip()}"}


class _SocketConnection(http.client.HTTPConnection):
    """To a server at a Unix socket."""

    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _post(path, question, seconds):
    """Return the status of the answer, and what reads its JSON."""
    where, headers = url(), _headers()
    if not where.startswith(SOCKET):
        answer = requests.post(f"{where}{path}", json=question, headers=headers, timeout=seconds)
        return answer.status_code, answer.json
    connection = _SocketConnection(where.removeprefix(SOCKET), seconds)
    try:
        body = json.dumps(question)
        connection.request("POST", path, body, {**headers, "Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, functools.partial(json.loads, answer.read())
    finally:
        connection.close()


def nudge():
    """Hint in a thread of its own: nobody waits for it, and polling finds the same work."""
    if url() and os.environ.get("SAAS_NUDGE_TOKEN_FILE"):
        threading.Thread(target=_nudge, name="saas-nudge", daemon=True).start()


# What a question that finds no answer raises. Those of `requests` are an OSError, too.
_NO_ANSWER = (OSError, ValueError, http.client.HTTPException)


def _nudge():
    try:
        _post("/nudge", {}, NUDGE_SECONDS)
    except _NO_ANSWER as problem:
        _logger.debug("The sidecar was not nudged; it finds the work by itself: %s", problem)


def request_sign_on(tenant, **person):
    """Ask for a one-time token that signs on to a tenant.

    :param person: subject, login, name, staff and reason

    :raise SidecarAwayError: try again later
    :raise SidecarRefusedError: with the reason
    """
    if not url() or not os.environ.get("SAAS_NUDGE_TOKEN_FILE"):
        raise SidecarAwayError("SAAS_SIDECAR_URL and SAAS_NUDGE_TOKEN_FILE are not set.")
    question = {"tenant": tenant, **person}
    try:
        status, read = _post("/sign-on", question, SIGN_ON_SECONDS)
        body = read()
    except _NO_ANSWER as problem:
        raise SidecarAwayError(str(problem)) from problem
    if status == 200 and isinstance(body.get("token"), str):
        return body["token"]
    if status in (401, 403):
        raise SidecarAwayError("The sidecar does not know this master's token.")
    raise SidecarRefusedError(str(body.get("error") or f"It answered {status}."))
