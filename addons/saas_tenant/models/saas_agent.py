import logging

from odoo import SUPERUSER_ID, api, models
from odoo.exceptions import UserError, ValidationError

from ..authority import as_operator
from ..operator_token import TokenRefused

_logger = logging.getLogger(__name__)

BOOTSTRAPPED = "saas.bootstrapped"


class SaasAgent(models.AbstractModel):
    """Does here what the operator asks for. Nothing of it can be called over RPC."""

    _name = "saas.agent"
    _description = "Agent of the Operator"

    ACTS = ("bootstrap", "settings", "state", "usage", "deactivate_users")

    @api.model
    def _carry_out(self, payload, token):
        """The answer to a verified message, as a dict for JSON."""
        self.env["saas.token.used"]._consume(payload)
        data = payload["data"]
        try:
            with as_operator():
                match payload["act"]:
                    case "bootstrap":
                        return self._bootstrap(**data)
                    case "settings":
                        settings = self.env["saas.settings"]._apply(token)
                        return {"settings": settings.fingerprint}
                    case "state":
                        return self._state()
                    case "usage":
                        return self._usage()
                    case "deactivate_users":
                        return self._deactivate_users(**data)
        except (KeyError, TypeError) as error:
            raise TokenRefused("malformed", f"The message lacks something: {error}.") from error
        raise TokenRefused("act", f"There is nothing called {payload['act']!r}.")

    @api.model
    def _state(self):
        settings = self.env["saas.settings"]._current()
        return {
            "bootstrapped": self._is_bootstrapped(),
            "settings": settings.fingerprint if settings else "",
            "users": self.env["res.users"]._saas_count(),
        }

    @api.model
    def _usage(self):
        return {
            "users": self.env["res.users"]._saas_count(),
            "storage_mb": self.env["ir.attachment"]._saas_storage_mb(),
        }

    @api.model
    def _is_bootstrapped(self):
        return bool(self.env["ir.config_parameter"].sudo().get_param(BOOTSTRAPPED))

    @api.model
    def _bootstrap(self, company, country, lang, timezone, user_name, user_login):
        """Make this copy of a template the Odoo of its owner.

        Once only: told a second time it changes nothing, whatever the owner has changed since.
        """
        if self._is_bootstrapped():
            return {"notes": []}
        notes = []
        language = self._install_language(lang, notes)
        admin = self.env.ref("base.user_admin")
        self._set_company(company, country, timezone, language, user_login, notes)
        admin.with_context(no_reset_password=True).write(
            {
                "login": user_login,
                "name": user_name or user_login,
                "email": user_login if "@" in user_login else False,
                "lang": language,
                "tz": timezone or False,
                "notification_type": "email",
            }
        )
        # The owner signs on with one-time links until they choose a password. The one that every
        # new database has must not live on.
        self.env.cr.execute("UPDATE res_users SET password = NULL WHERE id = %s", (admin.id,))
        self.env.registry.clear_cache()
        self.env.ref("base.public_user").lang = language
        self.env["ir.default"].set("res.partner", "lang", language)
        self.env["ir.config_parameter"].sudo().set_param(BOOTSTRAPPED, "True")
        for note in notes:
            _logger.warning("Bootstrap: %s", note)
        return {"notes": notes}

    @api.model
    def _install_language(self, code, notes):
        """The code of the language that is used in the end."""
        language = self.env["res.lang"]._activate_and_install_lang(code)
        if language:
            return language.code
        notes.append(f"There is no language {code!r} here, so English is used.")
        return "en_US"

    @api.model
    def _set_company(self, name, country_code, timezone, language, email, notes):
        company = self.env.ref("base.main_company")
        company.write({"name": name, "email": email if "@" in email else False})
        company.partner_id.write({"lang": language, "tz": timezone or False})
        if not country_code:
            return
        country = self.env["res.country"].search([("code", "=", country_code)], limit=1)
        if not country:
            notes.append(f"There is no country {country_code!r}, so none is set.")
            return
        company.country_id = country
        currency = country.currency_id
        if currency and currency != company.currency_id:
            try:
                with self.env.cr.savepoint():
                    currency.active = True
                    company.currency_id = currency
                    company.flush_recordset()
            except (UserError, ValidationError) as error:
                notes.append(f"The currency stays {company.currency_id.name}: {error}")

    @api.model
    def _deactivate_users(self, keep, staff_logins):
        """Archive the newest internal users until no more than `keep` are left.

        The operator says who its staff are: the flag in the database is not believed here. The
        owner's first user always stays.
        """
        users = self.env["res.users"].search(
            [
                ("share", "=", False),
                ("login", "not in", staff_logins),
                ("id", "!=", SUPERUSER_ID),
            ],
            order="id desc",
        )
        surplus = len(users) - keep
        deactivated = []
        for user in users - users._saas_owner():
            if surplus <= 0:
                break
            try:
                with self.env.cr.savepoint():
                    user.active = False
                    user.flush_recordset()
            except (UserError, ValidationError) as error:
                _logger.warning("User %s stays, beyond the limit: %s", user.login, error)
                continue
            deactivated.append(user.login)
            surplus -= 1
        if deactivated:
            self.env["saas.access.log"]._record(
                "users_archived",
                reason=self.env._(
                    "The plan includes %(keep)s users. Archived: %(logins)s",
                    keep=keep,
                    logins=", ".join(deactivated),
                ),
            )
        return {"deactivated": deactivated}
