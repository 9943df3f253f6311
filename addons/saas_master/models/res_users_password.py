import logging

from psycopg2 import OperationalError

from odoo import models

_logger = logging.getLogger(__name__)


class ResUsers(models.Model):
    _inherit = "res.users"

    def reset_password(self, login):
        """Send a link to whose login it is. Whoever asked is told the same, whether there is one.

        Stock says of each login whether somebody has it, and whether their mail arrives.
        """
        try:
            with self.env.cr.savepoint():
                return super().reset_password(login)
        except OperationalError:
            # PostgreSQL is away, or this is to be tried again.
            raise
        except Exception as problem:  # noqa: BLE001  stock raises nothing more special
            _logger.info("No link for a new password was sent to %r: %s", login, problem)
        return None
