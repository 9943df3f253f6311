"""A PostgreSQL that does not answer: who asks meanwhile is told so, in a form that they can read.

Stock Odoo logs its visitors out, goes on without a database, and leads its login page to itself for
ever.
"""

import json
import logging
import re
from xmlrpc.client import Fault, dumps

import psycopg2
import werkzeug.exceptions
from werkzeug.wrappers import Response

from odoo import http
from odoo.tools import config

_logger = logging.getLogger("odoo.saas.absence")

# It tells of this process, whatever becomes of the database.
HEALTH = "/web/health"
RETRY_SECONDS = 5
MESSAGE = (
    "The database of this Odoo does not answer. Try again in a minute: it comes back by itself."
)
WORDS = {
    "en": (
        "This Odoo cannot reach its database",
        "Nothing is lost. It comes back by itself; this page tries again until it is there.",
    ),
    "de": (
        "Dieses Odoo erreicht seine Datenbank nicht",
        "Nichts ist verloren. Sie kommt von selbst wieder; diese Seite versucht es bis dahin.",
    ),
    "fr": (
        "Cet Odoo n'atteint pas sa base de données",
        "Rien n'est perdu. Elle revient d'elle-même ; cette page réessaie jusque-là.",
    ),
    "es": (
        "Este Odoo no alcanza su base de datos",
        "No se ha perdido nada. Volverá por sí sola; esta página lo intenta hasta entonces.",
    ),
}
PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="{seconds}"><title>{title}</title></head>
<body style="font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:1rem">
<h1 style="font-size:1.4rem">{title}</h1><p>{text}</p></body></html>
"""


def tell_of_it():
    serve = http.Request._serve_db

    def serve_or_tell(self):
        try:
            return serve(self)
        except http.RegistryError as error:
            # Another database than our own is not away: there is none.
            is_ours = self.db in config["db_name"]
            is_away = isinstance(error.__cause__, psycopg2.OperationalError)
            if self.httprequest.path == HEALTH or not (is_ours and is_away):
                raise
            _logger.warning("The database does not answer: %s", error.__cause__)
            told = werkzeug.exceptions.ServiceUnavailable()
            told.error_response = answer_to(self.httprequest)
            raise told from error

    http.Request._serve_db = serve_or_tell


def answer_to(request):
    if request.path.startswith("/xmlrpc/"):
        text, kind = dumps(Fault(503, MESSAGE)), "text/xml"
    elif request.path == "/jsonrpc" or request.path.startswith("/json/"):
        text, kind = json.dumps(_json_fault()), "application/json"
    elif "text/html" in request.headers.get("Accept", ""):
        language = _language_of(request)
        title, words = WORDS[language]
        text = PAGE.format(language=language, seconds=RETRY_SECONDS, title=title, text=words)
        kind = "text/html"
    else:
        # The web client takes what is no JSON for a connection that was lost, and tries again.
        text, kind = MESSAGE, "text/plain"
    headers = {"Cache-Control": "no-store", "Retry-After": str(RETRY_SECONDS)}
    return Response(text, status=503, headers=headers, content_type=f"{kind}; charset=utf-8")


def _json_fault():
    """As sidecar/routing/absence.ts has it: for JSON-RPC and for /json/2."""
    data = {
        "name": "ServiceUnavailable",
        "message": MESSAGE,
        "arguments": [MESSAGE],
        "context": {},
        "debug": "",
    }
    error = {"code": 503, "message": MESSAGE, "data": data}
    return {"jsonrpc": "2.0", "id": None, "error": error, **data}


def _language_of(request):
    """The first of the visitor's languages that the page speaks."""
    asked = request.cookies.get("frontend_lang") or request.headers.get("Accept-Language", "")
    codes = (re.split("[-_;]", one.strip())[0].lower() for one in asked.split(","))
    return next((code for code in codes if code in WORDS), "en")
