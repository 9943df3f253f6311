from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import HttpCase, new_test_user, tagged

from .common import SaasCase


@tagged("post_install", "-at_install")
class TestPortal(SaasCase, HttpCase):
    """What customers see of their own Odoo, and that they see nothing of anybody else's."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.plan.saas_storage_mb = 10240
        cls.acme = cls._make_customer_with_portal("Acme", "portal_acme")
        cls.globex = cls._make_customer_with_portal("Globex", "portal_globex")
        cls.tenant = cls._sell("acme-portal", customer=cls.acme)
        cls.foreign = cls._sell("globex-portal", customer=cls.globex)

    @classmethod
    def _make_customer_with_portal(cls, name, login):
        """A company, one of whose people signs in to the portal."""
        company = cls._make_customer(name)
        user = new_test_user(cls.env, login, groups="base.group_portal", password=login)
        user.partner_id.parent_id = company
        return company

    def _see(self, tenant, phase, **status):
        """As if the sidecar had reported it."""
        tenant.status_id.write({"phase": phase, **status})
        self.env.flush_all()

    def _get(self, path):
        response = self.url_open(path)
        self.assertEqual(response.status_code, 200)
        return response.text

    def _signing_on_by(self, ask):
        """The sidecar is not there in these tests: ``ask`` answers the token in its place."""
        return patch.object(self.registry["saas.tenant"], "_portal_sign_on", ask)

    def _open(self, tenant):
        page = self._get(f"/my/odoo/{tenant.id}")
        token = page.split('name="csrf_token"', 1)[1].split('value="', 1)[1].split('"', 1)[0]
        return self.url_open(f"/my/odoo/{tenant.id}/open", data={"csrf_token": token})

    def test_the_list_has_ones_own_only(self):
        self.authenticate("portal_acme", "portal_acme")
        page = self._get("/my/odoo")
        self.assertIn(f"/my/odoo/{self.tenant.id}", page)
        self.assertIn("acme-portal.", page)
        self.assertNotIn("globex-portal", page)

    def test_the_home_page_counts_ones_own_only(self):
        self.authenticate("portal_acme", "portal_acme")
        self.assertIn("/my/odoo", self._get("/my/home"))
        answer = self.make_jsonrpc_request("/my/counters", {"counters": ["saas_tenant_count"]})
        self.assertEqual(answer["saas_tenant_count"], 1)

    def test_somebody_elses_page_leads_back_to_the_list(self):
        self.authenticate("portal_acme", "portal_acme")
        for path in (f"/my/odoo/{self.foreign.id}", "/my/odoo/2147483647"):
            response = self.url_open(path, allow_redirects=False)
            self.assertEqual(response.status_code, 303, path)
            self.assertTrue(response.headers["Location"].endswith("/my/odoo"), path)

    def test_staff_see_no_customers_page_in_the_portal(self):
        new_test_user(
            self.env, "saas_owner", groups="saas_master.group_saas_owner", password="saas_owner"
        )
        self.authenticate("saas_owner", "saas_owner")
        response = self.url_open(f"/my/odoo/{self.tenant.id}", allow_redirects=False)
        self.assertEqual(response.status_code, 303)

    def test_nobody_sees_a_page_without_signing_in(self):
        response = self.url_open(f"/my/odoo/{self.tenant.id}", allow_redirects=False)
        self.assertEqual(response.status_code, 303)
        self.assertIn("/web/login", response.headers["Location"])

    def test_every_phase_has_words(self):
        self.authenticate("portal_acme", "portal_acme")
        words = {
            "pending": "will be set up in a moment",
            "provisioning": "is being set up",
            "running": "Your Odoo is ready",
            "asleep": "It starts when you open it",
            "updating": "is being updated",
            "restoring": "is being restored",
            "failed": "Something went wrong on our side",
        }
        for phase, sentence in words.items():
            self._see(self.tenant, phase, message="disk /dev/vdb1 is full")
            page = self._get(f"/my/odoo/{self.tenant.id}")
            self.assertIn(sentence, page, phase)
            self.assertNotIn("/dev/vdb1", page, "what is for staff is not shown to customers")
            can_open = f"/my/odoo/{self.tenant.id}/open" in page
            self.assertEqual(can_open, phase in ("running", "asleep"), phase)

    def test_a_suspended_one_says_why_and_what_to_do(self):
        self.tenant.write({"desired": "suspended", "suspend_reason": "Invoice 42 is unpaid."})
        self._see(self.tenant, "suspended")
        self.authenticate("portal_acme", "portal_acme")
        page = self._get(f"/my/odoo/{self.tenant.id}")
        self.assertIn("Invoice 42 is unpaid.", page)
        self.assertIn("Contact us, and we will find a solution.", page)
        self.assertNotIn(f"/my/odoo/{self.tenant.id}/open", page)

    def test_a_scheduled_deletion_is_announced(self):
        self._see(self.tenant, "running")
        self.tenant.delete_after = fields.Datetime.to_datetime("2031-05-17 12:00:00")
        self.authenticate("portal_acme", "portal_acme")
        page = self._get(f"/my/odoo/{self.tenant.id}")
        self.assertIn("Will be deleted on:", page)
        self.assertIn("05/17/2031", page)

    def test_a_deleted_one_is_gone(self):
        self.tenant.desired = "deleted"
        self._see(self.tenant, "deleted")
        self.authenticate("portal_acme", "portal_acme")
        self.assertNotIn("acme-portal", self._get("/my/odoo"))
        response = self.url_open(f"/my/odoo/{self.tenant.id}", allow_redirects=False)
        self.assertEqual(response.status_code, 303)

    def test_usage_is_shown_against_the_limits(self):
        counted = {"usage_at": fields.Datetime.now()}
        self._see(self.tenant, "running", users=7, database_mb=1024, filestore_mb=1024, **counted)
        self.authenticate("portal_acme", "portal_acme")
        page = " ".join(self._get(f"/my/odoo/{self.tenant.id}").split())
        self.assertIn("7 of 10", page)
        self.assertIn("2.0 GB of 10.0 GB", page)
        self._see(self.tenant, "running", users=8, database_mb=9 * 1024, filestore_mb=2 * 1024)
        page = " ".join(self._get(f"/my/odoo/{self.tenant.id}").split())
        self.assertRegex(page, 'bg-warning" style="width: 80%"')
        self.assertRegex(page, 'bg-danger" style="width: 100%"')

    def test_before_the_first_count_no_number_is_shown(self):
        self._see(self.tenant, "running")
        self.authenticate("portal_acme", "portal_acme")
        page = self._get(f"/my/odoo/{self.tenant.id}")
        self.assertEqual(page.count("Not counted yet"), 2)
        self.assertNotIn("0 of 10", page)
        self.assertNotIn("progress-bar", page)

    def test_it_speaks_the_language_of_its_reader_with_the_reasons_too(self):
        self.env["res.lang"]._activate_lang("de_DE")
        self.env["ir.module.module"].search([("name", "=", "saas_master")])._update_translations(
            "de_DE"
        )
        reader = self.env["res.users"].search([("login", "=", "portal_acme")])
        reader.lang = "de_DE"
        subscription = self.tenant.subscription_id
        subscription._set_state("past_due", "Unpaid.")
        subscription._set_state("suspended", "Unpaid.")
        self._see(self.tenant, "suspended")
        # The login page has set it, in the language of the website.
        self.authenticate("portal_acme", "portal_acme")
        self.opener.cookies["frontend_lang"] = "en_US"
        page = self._get(f"/my/odoo/{self.tenant.id}")
        self.assertIn("Ihr Odoo ist gesperrt", page)
        self.assertIn("Eine Zahlung ist überfällig.", page)
        self.assertNotIn("A payment is overdue", page)

    def test_staff_who_follow_the_customers_link_come_to_their_own_page(self):
        new_test_user(
            self.env,
            "portal_staff",
            groups="base.group_user,saas_master.group_saas_viewer",
            password="portal_staff",
        )
        self.authenticate("portal_staff", "portal_staff")
        answer = self.url_open(f"/my/odoo/{self.tenant.id}", allow_redirects=False)
        self.assertTrue(answer.headers["Location"].endswith(f"/odoo/saas-tenants/{self.tenant.id}"))

    def test_the_steps_are_shown_while_it_is_made(self):
        self._see(self.tenant, "provisioning")
        claim = self._claim_one(self.tenant)
        copied, starting = self._step("clone_database"), self._step("start_runtime", "running", 2)
        self.assertTrue(self._report(claim, copied, starting))
        self.authenticate("portal_acme", "portal_acme")
        page = self._get(f"/my/odoo/{self.tenant.id}")
        self.assertIn('data-number="1" data-state="done"', page)
        self.assertIn('data-number="2" data-state="running"', page)

    def test_the_steps_stay_when_another_operation_waits_behind(self):
        self._see(self.tenant, "provisioning")
        claim = self._claim_one(self.tenant)
        self.assertTrue(self._report(claim, self._step("clone_database", "running")))
        self.tenant.action_retry()
        self.assertEqual(len(self._open_operations(self.tenant)), 2)
        self.authenticate("portal_acme", "portal_acme")
        page = self._get(f"/my/odoo/{self.tenant.id}")
        self.assertIn('data-number="1" data-state="running"', page)

    def test_it_says_as_whom_one_will_be_signed_on(self):
        self._see(self.tenant, "running")
        self.authenticate("portal_acme", "portal_acme")
        page = " ".join(self._get(f"/my/odoo/{self.tenant.id}").split())
        self.assertRegex(page, "without a password as: <strong[^>]*>portal_acme</strong>")

    def test_another_plan_is_asked_for_where_users_and_storage_are_shown(self):
        bigger = self._make_plan("Bigger in the portal", saas_users=50)
        self._make_plan("Quiet in the portal", saas_outgoing_mail=False, saas_outgoing_https=False)
        self._see(self.tenant, "running")
        self.authenticate("portal_acme", "portal_acme")
        page = self._get(f"/my/odoo/{self.tenant.id}")
        self.assertIn('id="plans"', page)
        self.assertIn("Bigger in the portal", page)
        self.assertEqual(page.count("no outgoing mail · no other services on the Internet"), 1)
        token = page.split('name="csrf_token"', 1)[1].split('value="', 1)[1].split('"', 1)[0]
        wish = {"csrf_token": token, "plan_id": bigger.id}
        foreign = self.url_open(f"/my/odoo/{self.foreign.id}/plan", data=wish)
        self.assertTrue(foreign.url.endswith("/my/odoo"))
        self.assertFalse(self.foreign.wished_plan_id)
        answer = self.url_open(f"/my/odoo/{self.tenant.id}/plan", data=wish)
        self.assertIn("Requested. We will contact you.", answer.text)
        self.assertEqual(self.tenant.wished_plan_id, bigger)
        user = self.env["res.users"].search([("login", "=", "portal_acme")])
        entry = self._audit_of(self.tenant, "wish_plan")
        self.assertEqual((entry.actor, entry.user_id_int), ("person", user.id))

    def test_open_posts_the_token_to_the_tenant(self):
        self._see(self.tenant, "running")
        self.authenticate("portal_acme", "portal_acme")
        with self._signing_on_by(lambda tenant: "one.time"):
            response = self._open(self.tenant)
        self.assertEqual(response.status_code, 200)
        self.assertIn(f'action="{self.tenant.url}/saas/sign-on"', response.text)
        self.assertIn('value="one.time"', response.text)
        self.assertEqual(response.headers["Cache-Control"], "no-store")
        self.assertNotIn("one.time", response.url, "a token in an address ends up in logs")

    def test_open_says_when_it_cannot_be(self):
        self._see(self.tenant, "running")
        self.authenticate("portal_acme", "portal_acme")

        reason = "Nobody answers. Try again in a minute."

        def away(tenant):
            raise UserError(reason)

        with self._signing_on_by(away):
            response = self._open(self.tenant)
        self.assertEqual(response.status_code, 503)
        self.assertIn("is not possible right now", response.text)
        self.assertIn(reason, response.text)

    def test_open_needs_the_forms_own_token(self):
        self.authenticate("portal_acme", "portal_acme")
        asked = []
        with self._signing_on_by(asked.append):
            response = self.url_open(
                f"/my/odoo/{self.tenant.id}/open", data={"csrf_token": "wrong"}
            )
        self.assertEqual(response.status_code, 400)
        self.assertEqual(asked, [])

    def test_nobody_opens_somebody_elses(self):
        self._see(self.tenant, "running")
        self._see(self.foreign, "running")
        self.authenticate("portal_acme", "portal_acme")
        page = self._get(f"/my/odoo/{self.tenant.id}")
        token = page.split('name="csrf_token"', 1)[1].split('value="', 1)[1].split('"', 1)[0]
        asked = []
        with self._signing_on_by(asked.append):
            response = self.url_open(
                f"/my/odoo/{self.foreign.id}/open",
                data={"csrf_token": token},
                allow_redirects=False,
            )
        self.assertEqual(response.status_code, 303)
        self.assertEqual(asked, [])
