"""The language in which people are written to. Plain Python, no Odoo."""


def spoken(env, code):
    """``code`` while that language is switched on here, else English.

    A language that was switched off stays as text on tenants and archived contacts, and Odoo raises
    wherever it is asked to speak it.
    """
    return code if code and env["res.lang"]._get_data(code=code) else "en_US"
