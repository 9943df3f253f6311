from odoo import models

from .said import Said


class SaasTenantAgain(models.Model):
    """An order that was cancelled and is confirmed again finds its own tenant, wherever that is."""

    _inherit = "saas.tenant"

    def _can_go_on(self, wanted):
        """Whether nothing was deleted of it yet, and it is what is sold now.

        :param wanted: values of a new tenant
        """
        self.ensure_one()
        if self.ready_at or self.operation_ids.filtered("deletion_at"):
            return False
        return all(
            (self[name].id if self._fields[name].type == "many2one" else self[name] or "")
            == (value or "")
            for name, value in wanted.items()
        )

    def _go_on(self, subscription):
        """It is wanted after all."""
        self.ensure_one()
        again = self.with_context(
            saas_action=Said("resume"), saas_reason=Said(self._confirmed_again())
        )
        again._take_corrected_template()
        again.write(
            {"desired": "running", "delete_after": False, "subscription_id": subscription.id}
        )
        if not self.target_id:
            self._place()

    def _give_up_address(self):
        """Let another tenant of the same order have it while this one is being deleted."""
        for tenant in self:
            leaving = tenant.with_context(
                saas_action=Said("rename"), saas_reason=Said(self._confirmed_again())
            )
            leaving.write({"slug": tenant.ref})
            leaving.host_ids.unlink()
        # Before somebody else takes it.
        self.env.flush_all()

    def _confirmed_again(self):
        return self.env._("Its order was confirmed again.")

    def _retire(self):
        result = super()._retire()
        # One that took its address over may have come too early for that.
        heirs = self.sudo().order_id.saas_tenant_ids.filtered(
            lambda tenant: tenant.desired == "running" and tenant.phase == "failed"
        )
        for tenant in heirs:
            self.env["saas.operation"].sudo()._queue(
                "reconcile", tenant=tenant, reason=self.env._("Its address is free now.")
            )
        return result
