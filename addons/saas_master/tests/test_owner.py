import importlib.util
from pathlib import Path
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from .common import SaasCase


@tagged("post_install", "-at_install", "saas_master")
class TestOwner(SaasCase):
    """Whose an Odoo is, and who its first user is, whatever becomes of contacts and logins."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.acme = cls._make_customer("Owner Acme")
        cls.globex = cls._make_customer("Owner Globex")
        cls.buyer = cls._make_person("boss@acme.example", cls.acme)
        cls.colleague = cls._make_person("colleague@acme.example", cls.acme)
        cls.stranger = cls._make_person("stranger@globex.example", cls.globex)
        cls.tenant = cls._sell("owner", customer=cls.buyer.partner_id)
        cls.tenant.status_id.phase = "running"

    @classmethod
    def _make_person(cls, login, company=None):
        user = new_test_user(cls.env, login, groups="base.group_portal", email=login)
        user.partner_id.parent_id = company
        return user

    def _sees(self, user):
        Tenant = self.env["saas.tenant"].with_user(user)
        found = bool(Tenant.search_count([("id", "=", self.tenant.id)]))
        self.assertEqual(Tenant.browse(self.tenant.id).has_access("read"), found)
        subscription = self.tenant.subscription_id.with_user(user)
        self.assertEqual(subscription.has_access("read"), found)
        return found

    def _opens_as(self, user):
        """The subject under which the user signs on."""
        answer = patch.object(
            self.registry["saas.tenant"], "_request_sign_on", lambda tenant, subject, *_: subject
        )
        with answer:
            return self.tenant.with_user(user)._portal_sign_on()

    def _assert_shut_out(self, user):
        self.assertFalse(self._sees(user))
        with self.assertRaises(AccessError):
            self._opens_as(user)

    def test_it_belongs_to_the_company_and_its_first_user_is_the_buyer(self):
        self.assertEqual(self.tenant.owner_id, self.acme)
        self.assertEqual(self.tenant.first_user_id, self.buyer)
        self.assertEqual(self._opens_as(self.buyer), "first")
        self._assert_shut_out(self.stranger)

    def test_a_colleague_opens_it_as_somebody_else_for_ever(self):
        self.assertTrue(self._sees(self.colleague))
        subject = self._opens_as(self.colleague)
        self.assertRegex(subject, r"^u[a-z2-7]{16}$")
        self.colleague.login = "other@acme.example"
        self.assertEqual(self._opens_as(self.colleague), subject)
        self.assertNotEqual(self.colleague.copy({"login": "x"})._saas_subject(), subject)

    def test_a_contact_who_moves_takes_nothing_along(self):
        self.assertTrue(self._sees(self.buyer), "what was worked out once must not stay")
        self.buyer.partner_id.parent_id = self.globex
        self._assert_shut_out(self.stranger)
        self._assert_shut_out(self.buyer)
        self.assertTrue(self._sees(self.colleague))
        self.assertNotEqual(self._opens_as(self.colleague), "first")
        self.assertEqual(self.tenant.contact_id, self.acme, "mails about it stay in the house")

    def test_a_holding_sees_nothing_of_what_its_company_bought(self):
        holding = self._make_customer("Owner Holding")
        self.acme.parent_id = holding
        self._assert_shut_out(self._make_person("holding@acme.example", holding))
        self.assertEqual(self._opens_as(self.buyer), "first")

    def test_a_second_account_of_the_buyers_contact_is_a_colleague(self):
        second = new_test_user(self.env, "second@acme.example", groups="base.group_portal")
        second.partner_id = self.buyer.partner_id
        self.assertNotEqual(self._opens_as(second), "first")

    def test_a_freed_login_lets_nobody_in_as_the_first_user(self):
        self.buyer.write({"login": "gone@acme.example", "active": False})
        heir = self._make_person("boss@acme.example", self.acme)
        self.assertNotEqual(self._opens_as(heir), "first")
        self.assertEqual(self.tenant.first_user_id, self.buyer)

    def test_a_merged_contact_is_not_the_first_user(self):
        buyer, other = self.buyer.partner_id, self.stranger.partner_id
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._update_foreign_keys(buyer, other)
        self.env.invalidate_all()
        self.assertEqual(self.tenant.partner_id, other, "that is what a merge does")
        self._assert_shut_out(self.stranger)
        self.assertEqual(self.tenant.owner_id, self.acme)

    def test_merged_companies_are_in_the_audit_log(self):
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((self.acme + self.globex).ids, self.globex, extra_checks=False)
        self.env.invalidate_all()
        self.assertEqual(self.tenant.owner_id, self.globex)
        self.assertEqual(self.tenant.first_user_id, self.buyer)
        entry = self._audit_of(self.tenant, "change_owner")
        self.assertEqual((entry.field, entry.old), ("owner_id", "Owner Acme"))
        self.assertEqual(self._opens_as(self.buyer), "first")
        self.assertNotEqual(self._opens_as(self.stranger), "first")

    def test_a_person_without_a_company_owns_it_alone(self):
        person = self._make_person("alone@nobody.example")
        self.tenant = self._sell("owner-alone", customer=person.partner_id)
        self.assertEqual(self._opens_as(person), "first")
        person.partner_id.parent_id = self.globex
        self.assertEqual(self._opens_as(person), "first", "it is theirs, wherever they work")
        self._assert_shut_out(self.stranger)

    def test_the_invited_buyer_becomes_the_first_user(self):
        customer = self._make_customer("Owner Invited", email="Invited@Acme.Example")
        tenant = self._sell("owner-invited", customer=customer)
        self.assertFalse(tenant.first_user_id)
        self.env["saas.tenant"]._cron_tell_customers()
        self.assertEqual(tenant.first_user_id, customer.user_ids)
        self.assertEqual(tenant.first_user_id.login, "invited@acme.example")

    def test_a_company_whose_address_is_the_login_of_one_of_its_people_knows_them(self):
        company = self._make_customer("Owner Shared", email="Office@Shared.Example")
        person = self._make_person("office@shared.example", company)
        self.assertEqual(self._sell("owner-shared", customer=company).first_user_id, person)

    def test_another_spelling_of_somebodys_login_is_no_new_account(self):
        self._make_person("Taken@Globex.Example", self.globex)
        customer = self._make_customer("Owner Twin", email="taken@globex.example")
        order = self._quote("owner-twin", customer=customer)
        order.action_confirm()
        self.env["saas.tenant"]._cron_tell_customers()
        self.assertFalse(customer.user_ids)
        self.assertFalse(order.saas_tenant_ids.first_user_id)
        self.assertIn("was not invited", " ".join(order.message_ids.mapped("body")))

    def test_an_owner_is_changed_by_a_command_with_a_reason(self):
        operator = self._make_staff("operator")
        wizard = self.env["saas.tenant.change.owner"].with_user(operator)
        wizard = wizard.create({"tenant_id": self.tenant.id, "reason": " Acme was sold. "})
        self.assertEqual((wizard.owner_id, wizard.first_user_id), (self.acme, self.buyer))
        wizard.write({"owner_id": self.globex.id, "first_user_id": self.stranger.id})
        wizard.action_confirm()
        self.assertEqual(self._opens_as(self.stranger), "first")
        self._assert_shut_out(self.buyer)
        self.assertEqual(self.tenant.subscription_id.partner_id, self.globex)
        self.assertEqual(self.tenant.contact_id, self.stranger.partner_id)
        entries = self._audit_of(self.tenant, "change_owner")
        self.assertLessEqual({"owner_id", "first_user_id"}, set(entries.mapped("field")))
        self.assertEqual(set(entries.mapped("reason")), {"Acme was sold."})
        self.assertEqual(set(entries.mapped("user_id_int")), {operator.id})

    def test_a_change_of_owner_is_refused_where_it_makes_no_sense(self):
        with self.assertRaisesRegex(UserError, "does not belong to"):
            self.tenant._change_owner(self.acme, self.stranger, "Why not")
        with self.assertRaisesRegex(UserError, "Enter the reason"):
            self.tenant._change_owner(self.globex, self.stranger, "  ")
        with self.assertRaises(AccessError):
            self.tenant.with_user(self._make_staff("viewer")).action_change_owner()
        owner = self.tenant.with_user(self._make_staff("owner"))
        for values in ({"owner_id": self.globex.id}, {"first_user_id": self.stranger.id}):
            with self.assertRaises(AccessError):
                owner.write(values)
        with self.assertRaises(AccessError):
            owner.subscription_id.write({"partner_id": self.globex.id})

    def test_an_update_keeps_what_was_true(self):
        self.tenant.partner_id = self.buyer.partner_id
        self.env.flush_all()
        self.env.cr.execute("ALTER TABLE saas_tenant ALTER owner_id DROP NOT NULL")
        self.env.cr.execute("UPDATE saas_tenant SET owner_id = NULL, first_user_id = NULL")
        rule = self.env.ref("saas_master.rule_saas_tenant_portal")
        rule.domain_force = "[('partner_id', 'child_of', user.partner_id.id)]"
        template = self.env.ref("saas_master.mail_template_ready")
        template.partner_to = "{{ object.partner_id.id }}"
        template.body_html = '<p>Hello <t t-out="object.partner_id.name"/></p>'
        self.env.flush_all()
        for script in ("pre-migrate", "post-migrate"):
            self._migrate(script)
        self.env.invalidate_all()
        self.assertEqual(self.tenant.owner_id, self.acme)
        self.assertEqual(self.tenant.first_user_id, self.buyer)
        self.assertIn("is_mine", rule.domain_force)
        self.assertEqual(template.partner_to, "{{ object.contact_id.id }}")
        self.assertIn("object.contact_id.name", template.body_html)

    def _migrate(self, script):
        file = Path(__file__).parent.parent / "migrations" / "19.0.1.1.0" / f"{script}.py"
        spec = importlib.util.spec_from_file_location(script.replace("-", "_"), file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.migrate(self.env.cr, "19.0.1.0.0")
