"""The master's way to the sidecar: a hint that there is work, and one question. Plain Python.

Both are known from the environment of the master's process; nothing of it is in the database.
"""

import logging
import os
import threading

import requests

_logger = logging.getLogger(__name__)

NUDGE_SECONDS = 0.3
SIGN_ON_SECONDS = 2


class SidecarAwayError(Exception):
    """It did not answer, or it is not known where it is."""


class SidecarRefusedError(Exception):
    """It answered with a reason why not; its words are for the person who asked."""


def url():
    return os.environ.get("SAAS_SIDECAR_URL", "").rstrip("/")


def _headers():
    with open(os.environ["SAAS_NUDGE_TOKEN_FILE"], encoding="ascii") as file:
        return {"Authorization": f"Bearer {file.read().strip()}"}


def nudge():
    """Hint in a thread of its own: nobody waits for it, and polling finds the same work."""
    if url() and os.environ.get("SAAS_NUDGE_TOKEN_FILE"):
        threading.Thread(target=_nudge, name="saas-nudge", daemon=True).start()


def _nudge():
    try:
        requests.post(f"{url()}/nudge", headers=_headers(), timeout=NUDGE_SECONDS)
    except (OSError, ValueError, requests.RequestException) as problem:
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
        answer = requests.post(
            f"{url()}/sign-on", json=question, headers=_headers(), timeout=SIGN_ON_SECONDS
        )
        body = answer.json()
    except (OSError, ValueError, requests.RequestException) as problem:
        raise SidecarAwayError(str(problem)) from problem
    if answer.status_code == 200 and isinstance(body.get("token"), str):
        return body["token"]
    if answer.status_code in (401, 403):
        raise SidecarAwayError("The sidecar does not know this master's token.")
    raise SidecarRefusedError(str(body.get("error") or f"It answered {answer.status_code}."))
