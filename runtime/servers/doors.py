"""What an Odoo of ours, the master's as well as a tenant's, opens to nobody.

* A request names one host, and it is that of a host: links and redirects are made of it.
* Of several sessions the one that is known here counts (cookies.py).
* A websocket hears what its visitor may hear, so no page of another site opens one.
* Databases are made and removed by the sidecar: the manager is not there, and the service for it
  names none.
* A traceback shows folders, names and versions: it is sent to those only who have signed in.

Routers see to most of it, too; whoever finds a way past them finds this.
"""

import re
import sys
import threading
import traceback

from werkzeug.exceptions import HTTPException

from odoo import http
from odoo.exceptions import AccessDenied, UserError
from odoo.http import SessionExpiredException
from odoo.service import db, model
from odoo.tools import config, exception_to_unicode

from . import cookies

HOST = re.compile(
    r"([a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])\.?(:[0-9]{1,5})?", re.ASCII
)
DATABASE_MANAGER = re.compile(r"(/[a-z]{2,3}([_@][a-z]+)*)?/+web/+database(/|$)", re.IGNORECASE)
DEFAULT_PORT = re.compile(r":(80|443)$")

# Modules that put a traceback into what they answer, by the name `traceback`.
TELLING = (
    "odoo.http",
    "odoo.addons.rpc.controllers.xmlrpc",
    "odoo.addons.http_routing.models.ir_http",
)
# Errors that say themselves what whoever has asked may know.
WORDED = (UserError, HTTPException, SessionExpiredException)
SILENCE = "This could not be done. The reason is in the log of this Odoo."


def shut():
    """Call it before the first request."""
    check_requests()
    shut_database_service()
    keep_tracebacks()


def check_requests():
    answer = http.Application.__call__

    def answer_checked(self, environ, start_response):
        threading.current_thread().saas_signed_in = False
        keep_tracebacks_of_modules()
        refused = refusal(environ, config["proxy_mode"])
        if refused is None:
            cookies.choose_session(environ)
            return answer(self, environ, start_response)
        status, text = refused
        body = f"{text}\n".encode()
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
        ]
        start_response(status, headers)
        return [body]

    http.Application.__call__ = answer_checked


def refusal(environ, behind_proxy):
    """Status and text for what is not answered, or None. Writes hosts as they are compared."""
    for name in ("HTTP_HOST", "HTTP_X_FORWARDED_HOST"):
        # Proxies behind each other make a list; Odoo believes the last one.
        host = canonical(environ.get(name, "").rpartition(",")[2])
        if host is not None:
            environ[name] = host
        elif name == "HTTP_HOST" or name in environ:
            return "400 Bad Request", "This is no request for one host."
    if DATABASE_MANAGER.match(environ.get("PATH_INFO", "")):
        return "404 Not Found", "There is nothing here."
    if "websocket" in environ.get("HTTP_UPGRADE", "").lower():
        forwarded = environ.get("HTTP_X_FORWARDED_HOST") if behind_proxy else None
        if is_foreign(environ.get("HTTP_ORIGIN"), forwarded or environ["HTTP_HOST"]):
            return "403 Forbidden", "Another site may not listen here."
    return None


def canonical(text):
    """A host with its port, as the header of a request has it; None for what is none."""
    found = HOST.fullmatch(text.strip().lower())
    return found and found[1] + (found[2] or "")


def is_foreign(origin, host):
    """Whether a page of another site asks. A browser always says whose page it is."""
    if origin is None:
        return False
    scheme, _, asking = origin.lower().partition("://")
    return scheme not in ("http", "https") or _bare(asking) != _bare(host)


def _bare(host):
    return DEFAULT_PORT.sub("", host)


def shut_database_service():
    def dispatch(method, params):
        if method == "server_version":
            return db.exp_server_version()
        raise AccessDenied()

    db.dispatch = dispatch


def keep_tracebacks():
    serialize, execute = http.serialize_exception, model.execute_cr

    def serialize_discreetly(exception, **said):
        if not isinstance(exception, WORDED) and not is_signed_in():
            said = {"message": short(exception), "arguments": ()}
        return serialize(exception, **said)

    def execute_signed_in(*args):
        # It comes after the check of the password.
        threading.current_thread().saas_signed_in = True
        return execute(*args)

    http.serialize_exception = serialize_discreetly
    model.execute_cr = execute_signed_in


def keep_tracebacks_of_modules():
    # Some are loaded with the database only.
    for name in TELLING:
        module = sys.modules.get(name)
        if module is not None and module.traceback is traceback:
            module.traceback = DiscreetTraceback


class DiscreetTraceback:
    """Stands for the module `traceback` where its words are sent to whoever has asked."""

    @staticmethod
    def format_exception(*info):
        if is_signed_in():
            return traceback.format_exception(*info)
        return [short(next(one for one in info if isinstance(one, BaseException)))]


def short(exception):
    """Its kind, which programs tell apart, and its words where they are meant for people."""
    kind = type(exception)
    name = (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
    is_worded = isinstance(exception, WORDED) or getattr(exception, "saas_worded", False)
    return f"{name}: {exception_to_unicode(exception) if is_worded else SILENCE}"


def is_signed_in():
    if getattr(threading.current_thread(), "saas_signed_in", False):
        return True
    env = http.request.env if http.request else None
    if not env or env.uid is None:
        return False
    if http.request.session.uid:
        return True
    try:
        # By a key of the API, which no session knows of.
        return env.uid not in env["ir.http"]._get_public_users()
    except Exception:  # noqa: BLE001  what has failed before may keep this from being known
        return False
