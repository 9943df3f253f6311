"""Cookies of a visitor that some other Odoo under the same domain has set.

A page may set a cookie for the domain above its own, which browsers send to all its neighbours, and
before their own one where it is older. Taken for the session it keeps its visitor from ever signing
in there: each sign-in makes a session, and the next request comes with the other one again.
"""

import re

from odoo import http

SESSION = re.compile(r"\s*session_id=(.*)", re.DOTALL)


def choose_session(environ):
    """Of several sessions leave one: of somebody signed in here, else one that is known here."""
    cookies = environ.get("HTTP_COOKIE", "").split(";")
    sessions = [found[1] for found in map(SESSION.fullmatch, cookies) if found]
    if len(sessions) < 2:
        return
    others = [cookie for cookie in cookies if not SESSION.fullmatch(cookie)]
    environ["HTTP_COOKIE"] = ";".join([*others, f" session_id={max(sessions, key=_standing)}"])


def _standing(sid):
    store = http.root.session_store
    if not store.is_valid_key(sid):
        return 0
    session = store.get(sid)
    # One that is not stored comes back with another key.
    is_known = session.sid == sid
    return 1 + is_known + (is_known and session.uid is not None)
