"""Logins and addresses as people mean them: `Bob@Acme.example` and `bob@acme.example` are one."""

from odoo.tools import email_normalize


def comparable(login):
    return email_normalize(login or "") or (login or "").strip().lower()
