from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import SaasCase


@tagged("post_install", "-at_install", "saas_master")
class TestStray(SaasCase):
    """Tenants that are there and that nobody knows of."""

    def _found(self, *strays):
        self._say_hello(strays=list(strays))
        return self.target.stray_ids

    def _stray(self, ref="tstrayaaaaa", **values):
        return {
            "id": ref,
            "target": "here",
            "database": "shared",
            "server": "pg",
            "hosts": ["lost.saas.test", "odoo.lost.example"],
            **values,
        }

    def _adopt(self, stray, user=None, plan=None, **values):
        wizard = self.env["saas.stray.adopt"].with_user(user or self._make_staff("operator"))
        customer = self._make_customer("Lost and Found")
        ref = stray.ref
        form = wizard.create(
            {
                "stray_id": stray.id,
                "partner_id": customer.id,
                "plan_id": (plan or self.plan).id,
                **values,
            }
        )
        form.action_confirm()
        return self.env["saas.tenant"].search([("ref", "=", ref)])

    def test_it_is_on_the_page_of_its_target_for_as_long_as_it_is_there(self):
        stray = self._found(self._stray())
        self.assertEqual(stray.server_id, self.server)
        self.assertEqual(stray.hosts, "lost.saas.test, odoo.lost.example")
        self.assertEqual(self._found(self._stray(hosts=[])), stray)
        self.assertFalse(stray.hosts)
        self._say_hello(strays=None)
        self.assertEqual(self.target.stray_ids, stray, "a sidecar that cannot tell says nothing")
        self.assertFalse(self._found())

    def test_one_that_is_known_by_now_is_none(self):
        tenant = self._sell("stray-known")
        self.assertFalse(self._found(self._stray(tenant.ref)))

    def test_adopted_it_is_a_tenant_like_any_other(self):
        stray = self._found(self._stray())
        ref = stray.ref
        tenant = self._adopt(stray)
        self.assertFalse(stray.exists())
        self.assertEqual((tenant.slug, tenant.desired), ("lost", "running"))
        self.assertEqual(
            [(host.name, host.primary) for host in tenant.host_ids],
            [("lost.saas.test", True), ("odoo.lost.example", False)],
        )
        self.assertEqual((tenant.target_id, tenant.server_id), (self.target, self.server))
        self.assertEqual(tenant.subscription_id.state, "active")
        self.assertEqual(tenant.subscription_id.tenant_id, tenant)
        adoption = self._audit_of(tenant, "adopt").filtered(lambda entry: not entry.field)
        self.assertRegex(adoption.reason, "Adopted by")
        claim = self._claim_one(tenant)
        self.assertEqual(claim["spec"]["id"], ref)
        self.assertTrue(self._finish(claim, status=self._status("running")))
        self.assertTrue(tenant.welcomed, "its customer is not told that it is new")
        self.assertFalse(self._found(self._stray()), "the sidecar may not know it yet")

    def test_a_deletion_does_not_take_it_for_one_that_was_never_made(self):
        tenant = self._adopt(self._found(self._stray()))
        tenant._delete("It is not wanted.")
        self.assertFalse(tenant.released)
        self.assertTrue(self._open_operations(tenant))

    def test_what_cannot_be_adopted_says_why(self):
        premium = self._make_plan("Premium", saas_database_strategy="dedicated")
        taken = self._sell("stray-taken")
        gone = self._sell("stray-gone")
        gone._delete("Gone.")
        self.assertTrue(gone.released)
        cases = [
            (self._stray(), {"plan": premium}, "has its database elsewhere"),
            (self._stray(database="none", server=""), {}, "No database of tstrayaaaaa was found"),
            (self._stray(), {"slug": taken.slug}, "is taken"),
            (self._stray(gone.ref), {}, "deleted permanently"),
        ]
        for told, how, words in cases:
            with self.assertRaisesRegex(UserError, words):
                self._adopt(self._found(told), **how)

    def test_viewers_look_and_do_not_adopt(self):
        stray = self._found(self._stray())
        viewer = self._make_staff("viewer")
        self.assertEqual(stray.with_user(viewer).ref, "tstrayaaaaa")
        with self.assertRaises(AccessError):
            stray.with_user(viewer).action_adopt()
        with self.assertRaises(AccessError):
            self._adopt(stray, user=viewer)
