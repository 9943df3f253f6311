from unittest.mock import patch

from odoo.tests import HttpCase, new_test_user, tagged

from .common import OperatedMixin

CHANGED = "saas_tenant/notices_changed"


@tagged("post_install", "-at_install", "saas_tenant")
class TestNotices(OperatedMixin, HttpCase):
    """What the operator has to say reaches everybody who works here, and nobody else."""

    banner = {"level": "warning", "text": "There is maintenance on Sunday."}

    def _told(self, **settings):
        """The bus messages about it while settings are applied."""
        told = []
        send = patch.object(
            self.registry["bus.bus"],
            "_sendone",
            lambda bus, target, kind, message: told.append((target, kind)),
        )
        with send:
            self.apply_settings(**settings)
        return [target for target, kind in told if kind == CHANGED]

    def _ask(self, login):
        self.authenticate(login, login)
        return self.make_jsonrpc_request("/saas/notices")

    def test_open_pages_hear_of_another_banner_and_of_nothing_else(self):
        self.assertEqual(
            self._told(users=1000, banner=self.banner), [self.env.ref("base.group_user")]
        )
        self.assertEqual(self._told(users=900, banner=self.banner), [])
        self.assertEqual(len(self._told(users=900)), 1)

    def test_who_works_here_reads_it(self):
        self.apply_settings(users=1000, banner=self.banner, mail=True)
        new_test_user(self.env, "notices_user", "base.group_user", password="notices_user")
        self.assertIn(self.banner, self._ask("notices_user"))

    def test_customers_of_this_odoo_read_nothing(self):
        self.apply_settings(users=1000, banner=self.banner)
        new_test_user(self.env, "notices_portal", "base.group_portal", password="notices_portal")
        self.assertEqual(self._ask("notices_portal"), [])
