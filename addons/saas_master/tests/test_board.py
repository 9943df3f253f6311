from odoo.tests import tagged

from .common import SaasCase


@tagged("post_install", "-at_install", "saas_master")
class TestBoard(SaasCase):
    """The board of tenants, as the web client asks for it."""

    def _columns(self, slugs):
        Tenant = self.env["saas.tenant"].with_user(self._make_staff("viewer"))
        answer = Tenant.with_context(read_group_expand=True).web_read_group(
            [("slug", "in", slugs)], ["phase"], ["__count"]
        )
        return [(group["phase"], group["__count"]) for group in answer["groups"]]

    def test_columns_come_in_the_order_of_a_life(self):
        for slug, phase in (("board-a", "failed"), ("board-b", "provisioning")):
            self._sell(slug).status_id.phase = phase
        self.assertEqual(
            self._columns(["board-a", "board-b"]),
            [("provisioning", 1), ("running", 0), ("suspended", 0), ("failed", 1)],
        )
