from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common import SaasCase

MODELS = (
    "saas.release",
    "saas.release.source",
    "saas.target",
    "saas.target.way",
    "saas.database.server",
    "saas.stray",
    "saas.template",
    "saas.tenant",
    "saas.tenant.status",
    "saas.tenant.host",
    "saas.subscription",
    "saas.operation",
    "saas.operation.step",
    "saas.audit.entry",
)


@tagged("post_install", "-at_install", "saas_master")
class TestAccess(SaasCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.acme, cls.acme_user = cls._make_portal_customer("Access Acme", "access_acme")
        cls.globex, cls.globex_user = cls._make_portal_customer("Access Globex", "access_globex")
        cls.tenant = cls._sell("access-acme", customer=cls.acme)
        cls.foreign = cls._sell("access-globex", customer=cls.globex)

    @classmethod
    def _make_portal_customer(cls, name, login):
        company = cls._make_customer(name)
        user = new_test_user(cls.env, login, groups="base.group_portal")
        user.partner_id.parent_id = company
        return company, user

    def _may(self, user, model, operation):
        return self.env[model].with_user(user).has_access(operation)

    def test_every_model_has_rights_and_only_ours_reads_it(self):
        everybody = new_test_user(self.env, "access_employee", groups="base.group_user")
        for model in MODELS:
            for operation in ("read", "write", "create", "unlink"):
                self.assertFalse(self._may(everybody, model, operation), f"{model} {operation}")

    def test_viewers_read_and_change_nothing(self):
        viewer = self._make_staff("viewer")
        for model in MODELS:
            self.assertTrue(self._may(viewer, model, "read"), model)
            for operation in ("write", "create", "unlink"):
                self.assertFalse(self._may(viewer, model, operation), f"{model} {operation}")
        self.assertEqual(self.tenant.with_user(viewer).phase, "pending")

    def test_operators_act_and_make_or_remove_no_records(self):
        operator = self._make_staff("operator")
        for model in MODELS:
            for operation in ("create", "unlink"):
                self.assertFalse(self._may(operator, model, operation), f"{model} {operation}")
        self.tenant.with_user(operator).write({"banner_text": "Hello"})

    def test_owners_keep_releases_and_remove_no_tenant(self):
        owner = self._make_staff("owner")
        self.assertTrue(self._may(owner, "saas.release", "create"))
        for model in ("saas.tenant", "saas.audit.entry", "saas.subscription", "saas.operation"):
            self.assertFalse(self._may(owner, model, "unlink"), model)
            self.assertFalse(self._may(owner, model, "create"), model)

    def test_salespeople_see_what_they_sold(self):
        seller = new_test_user(
            self.env, "access_seller", groups="sales_team.group_sale_salesman_all_leads"
        )
        self.assertTrue(seller.has_group("saas_master.group_saas_viewer"))
        self.assertEqual(self.tenant.with_user(seller).name, "Access Acme")

    def test_customers_read_their_own_and_nobody_elses(self):
        Tenant = self.env["saas.tenant"].with_user(self.acme_user)
        self.assertEqual(
            Tenant.search([("id", "in", (self.tenant + self.foreign).ids)]), self.tenant
        )
        self.assertEqual(Tenant.browse(self.tenant.id).url, self.tenant.url)
        with self.assertRaises(AccessError):
            Tenant.browse(self.foreign.id).read(["name"])
        Subscription = self.env["saas.subscription"].with_user(self.acme_user)
        both = (self.tenant + self.foreign).subscription_id
        self.assertEqual(Subscription.search([("id", "in", both.ids)]), self.tenant.subscription_id)
        with self.assertRaises(AccessError):
            Tenant.browse(self.tenant.id).write({"name": "x"})
        with self.assertRaises(AccessError):
            Tenant.browse(self.tenant.id).action_retry()
        with self.assertRaises(AccessError):
            Tenant.browse(self.tenant.id).read(["staff_logins"])
        for model in set(MODELS) - {"saas.tenant", "saas.subscription"}:
            self.assertFalse(self._may(self.acme_user, model, "read"), model)

    def test_the_sidecar_reads_and_writes_nothing_by_itself(self):
        self.assertTrue(self.sidecar.share)
        self.assertFalse(self.sidecar._is_internal() or self.sidecar._is_portal())
        kept = []
        for name, model in self.env.items():
            if model._abstract or model._transient or not model._auto:
                continue
            for operation in ("read", "write", "create", "unlink"):
                if self._may(self.sidecar, name, operation):
                    kept.append(f"{name} {operation}")
        self.assertEqual(kept, [])

    def test_the_sidecar_calls_no_button(self):
        with self.assertRaises(AccessError):
            self.tenant.with_user(self.sidecar).action_retry()
        with self.assertRaises(AccessError):
            self.env["saas.fleet"].with_user(self.sidecar).get_fleet()
        with self.assertRaises(AccessError):
            self.env["res.partner"].with_user(self.sidecar).search_read([], ["name"], limit=1)
