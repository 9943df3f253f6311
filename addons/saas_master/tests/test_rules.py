from datetime import timedelta

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged

from .common import SaasCase

# What a person may write by hand of each model; the rest changes by commands only.
BY_HAND = {
    "saas.tenant": {
        "name",
        "paused",
        "banner_level",
        "banner_text",
        "staff_logins",
        "bootstrap_company",
        "bootstrap_country",
        "bootstrap_lang",
        "bootstrap_timezone",
        "bootstrap_user_name",
        "bootstrap_user_login",
    },
    "saas.subscription": {"cancel_at_period_end"},
    "saas.target": {"paused"},
    "saas.tenant.status": set(),
    "saas.tenant.host": set(),
    "saas.operation": set(),
    "saas.operation.step": set(),
    "saas.database.server": set(),
    "saas.template": set(),
    "saas.stray": set(),
    "saas.audit.entry": set(),
}


@tagged("post_install", "-at_install", "saas_master")
class TestRules(SaasCase):
    """Rules hold for whoever writes past the pages."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tenant = cls._sell("rule-one")
        cls.subscription = cls.tenant.subscription_id

    def setUp(self):
        super().setUp()
        self.operator = self._make_staff("operator")
        self.owner = self._make_staff("owner")
        self.mine = self.tenant.with_user(self.operator)

    def _refused(self, words, error=UserError):
        return self.assertRaisesRegex(error, words)

    # Reasons

    def test_a_reason_says_something_and_not_too_much(self):
        tomorrow = fields.Datetime.now() + timedelta(days=2)
        commands = (
            self.mine.suspend,
            lambda reason: self.mine.schedule_deletion(tomorrow, reason),
            self.mine._staff_sign_on,
        )
        for command in commands:
            for reason in ("", " ", " \n\t", False, None, 5, ["x"]):
                with self._refused("Enter a reason"), self.env.cr.savepoint():
                    command(reason)
            with self._refused("5000 characters"), self.env.cr.savepoint():
                command("x" * 5000)
        self.assertEqual(self.tenant.desired, "running")
        self.assertFalse(self.tenant.delete_after)

    def test_dialogs_ask_for_the_same(self):
        for model in ("saas.tenant.suspend", "saas.tenant.schedule.deletion", "saas.tenant.open"):
            for reason in (" ", "x" * 5000):
                values = {"tenant_id": self.tenant.id, "reason": reason}
                wizard = self.env[model].with_user(self.operator).create(values)
                with self._refused("reason"), self.env.cr.savepoint():
                    wizard.action_confirm()

    def test_a_reason_is_one_line_without_blanks_around_it(self):
        self.mine.suspend("  An invoice\n is\x00 unpaid. ")
        self.assertEqual(self.tenant.suspend_reason, "An invoice is unpaid.")

    def test_nothing_is_suspended_without_words(self):
        for words in (False, "", " "):
            with self._refused("visitors of a suspended"), self.env.cr.savepoint():
                self.tenant.write({"desired": "suspended", "suspend_reason": words})

    def test_texts_for_customers_are_short(self):
        for name in ("name", "banner_text", "bootstrap_company", "bootstrap_user_name"):
            with self._refused("5000 characters"), self.env.cr.savepoint():
                self.mine.write({name: "x" * 5000})
        with self._refused("Enter a name"), self.env.cr.savepoint():
            self.mine.name = " "

    # Deletions

    def test_whom_it_concerns_has_time_to_object(self):
        soon = fields.Datetime.now() + timedelta(minutes=1)
        with self._refused("in the future"):
            self.mine.schedule_deletion(soon, "Now.")
        for day in (False, "", "tomorrow", 7):
            with self._refused("Enter the date"):
                self.mine.schedule_deletion(day, "Some day.")
        self.mine.schedule_deletion("2031-05-01 12:00:00", "They left.")
        self.assertEqual(self.tenant.delete_after.year, 2031)

    def test_what_is_deleted_is_edited_no_more(self):
        self.tenant._delete("It goes.")
        for values in ({"banner_text": "x"}, {"name": "x"}, {"staff_logins": "x"}):
            with self._refused("nothing can be changed"):
                self.mine.write(values)

    # Plans

    def test_a_plan_that_somebody_has_stays_one_with_its_limits(self):
        for values in (
            {"is_saas_plan": False},
            {"is_saas_plan": False, "saas_users": 0, "saas_storage_mb": 0},
            {"saas_users": 0},
            {"saas_memory_mb": 0},
        ):
            with self.assertRaises(ValidationError, msg=values), self.env.cr.savepoint():
                self.plan.write(values)
        self.assertEqual((self.plan.is_saas_plan, self.tenant.limit_users), (True, 10))

    def test_a_plan_that_nobody_has_may_become_an_ordinary_product(self):
        plan = self._make_plan("Nobody's")
        plan.is_saas_plan = False
        tenant = self._sell("rule-gone", plan=self._make_plan("Was had"))
        tenant._delete("It goes.")
        tenant.plan_id.is_saas_plan = False

    def test_spans_of_a_plan_are_possible(self):
        for values in (
            {"saas_trial_days": -1},
            {"saas_trial_days": 2**31 - 1},
            {"saas_sleep_after_min": -1},
        ):
            with self._refused("must be from 0"), self.env.cr.savepoint():
                self.plan.write(values)

    def test_who_may_edit_products_only_changes_no_plan(self):
        person = new_test_user(
            self.env, "rule_products", groups="base.group_user,product.group_product_manager"
        )
        plan = self.plan.with_user(person)
        plan.write({"description_sale": "Theirs to write."})
        for values in ({"saas_users": 1000}, {"is_saas_plan": False}):
            with self.assertRaises(AccessError, msg=values):
                plan.write(values)
        product = self.env["product.template"].with_user(person).create({"name": "A chair"})
        with self.assertRaises(AccessError):
            product.write({"is_saas_plan": True, "type": "service"})
        with self.assertRaises(AccessError):
            product.create({"name": "x", "type": "service", "is_saas_plan": True})

    def test_what_is_archived_is_sold_no_more(self):
        release = self.env["saas.release"].create({"name": "Old", "odoo_version": "19.0"})
        for number, (archive, words) in enumerate(
            (
                (lambda order: order.order_line.product_id.product_tmpl_id, "archived"),
                (lambda order: order.order_line.product_id, "archived"),
                (lambda order: release, "release “Old”, which is archived"),
                (lambda order: order.partner_id, "contact .* is archived"),
                (lambda order: order.pricelist_id, "pricelist .* is archived"),
            )
        ):
            release.active = True
            plan = self._make_plan(f"Archived {number}", saas_release_id=release.id)
            order = self._quote(f"rule-old-{number}", plan=plan)
            order.pricelist_id = self.env["product.pricelist"].create({"name": "Old prices"})
            archive(order).active = False
            with self._refused(words), self.env.cr.savepoint():
                order.action_confirm()
            self.assertFalse(order.saas_tenant_ids)
            archive(order).active = True
            order.action_confirm()
            self.assertTrue(order.saas_tenant_ids)

    def test_nobody_changes_to_what_is_archived_or_no_plan(self):
        release = self.env["saas.release"].create({"name": "Old", "odoo_version": "19.0"})
        archived, old = (
            self._make_plan("Archived"),
            self._make_plan("Old", saas_release_id=release.id),
        )
        archived.active = release.active = False
        chair = self.env["product.template"].create({"name": "A chair"})
        for plan, words in ((archived, "archived"), (old, "archived"), (chair, "not a plan")):
            with self._refused(words):
                self.mine.change_plan(plan.id)
        for ident in (0, -1, False, "1", [1], 2**31 - 1):
            with self._refused("no longer exists"):
                self.mine.change_plan(ident)

    # Subscriptions

    def test_what_is_paid_is_what_is_had(self):
        bigger = self._make_plan("Bigger for rules", list_price=99)
        with self.assertRaises(AccessError):
            self.subscription.with_user(self.owner).write({"plan_id": bigger.id})
        with self._refused("tenant and subscription together"), self.env.cr.savepoint():
            self.subscription.write({"plan_id": bigger.id})
        self.mine.change_plan(bigger.id)
        self.assertEqual((self.tenant.plan_id, self.subscription.plan_id), (bigger, bigger))
        self.assertEqual(self.subscription.price, 99)
        self.tenant.plan_id = self.plan
        self.assertEqual(self.subscription.plan_id, self.plan, "however it is written")

    def test_terms_are_possible(self):
        with self._refused("cannot be negative"):
            self.subscription.price = -1

    # The first user

    def test_what_it_was_told_at_its_making_stays_as_it_was(self):
        self.mine.bootstrap_user_name = "Alice"
        self._provision(self.tenant)
        for name, value in (
            ("bootstrap_user_login", "eve@acme.example"),
            ("bootstrap_user_name", "Eve"),
            ("bootstrap_company", "Other"),
            ("bootstrap_lang", False),
        ):
            with self._refused("already been set up"):
                self.mine.write({name: value})
        # A page that saves what it shows changes nothing.
        self.mine.write({"bootstrap_user_name": "Alice", "banner_text": "Hello"})
        self.assertEqual(self.tenant.bootstrap_user_name, "Alice")

    def test_it_is_told_what_there_is(self):
        for name, value in (
            ("bootstrap_lang", "xx_YY"),
            ("bootstrap_country", "ZZ"),
            ("bootstrap_timezone", "Moon/Crater"),
            ("bootstrap_user_login", "nobody"),
        ):
            with self.assertRaises(ValidationError, msg=name), self.env.cr.savepoint():
                self.mine.write({name: value})

    # Orders

    def test_an_address_that_was_given_is_changed_where_it_is(self):
        order = self.tenant.order_id
        seller = new_test_user(
            self.env, "rule_seller", groups="sales_team.group_sale_salesman_all_leads"
        )
        with self._refused("use “Rename”"):
            order.with_user(seller).write({"saas_slug": "rule-other"})
        order.with_user(seller).write({"saas_slug": order.saas_slug, "note": "as it was"})

    def test_a_confirmed_line_stands_for_what_was_made(self):
        order = self.tenant.order_id
        line = order.order_line
        other = self._make_plan("Other for rules").product_variant_id
        chair = self.env["product.product"].create({"name": "A chair"})
        with self._refused("at 1"), self.env.cr.savepoint():
            line.product_uom_qty = 2
        with self._refused("Keep the line"), self.env.cr.savepoint():
            line.product_id = chair
        with self._refused("a new order for it"), self.env.cr.savepoint():
            order.write({"order_line": [Command.create({"product_id": other.id})]})
        order.write({"order_line": [Command.create({"product_id": chair.id})]})

    # Settings

    def test_nonsense_in_a_parameter_is_refused(self):
        Parameter = self.env["ir.config_parameter"]
        for key, value in (
            ("saas.base_domain", "not a domain"),
            ("saas.url_scheme", "javascript"),
            ("saas.url_port", "²"),
            ("saas.url_port", "70000"),
            ("saas.deletions_per_hour", "-1"),
            ("saas.grace_days", "²"),
        ):
            with self.assertRaises(ValidationError, msg=key), self.env.cr.savepoint():
                Parameter.set_param(key, value)

    # Whatever has no rule of its own

    def _make_step(self):
        operation = self.tenant.operation_ids
        step = {"operation_id": operation.id, "number": 1, "name": "clone_database"}
        return self.env["saas.operation.step"].create(step)

    def test_people_write_by_hand_only_what_is_theirs(self):
        records = {
            "saas.tenant": self.tenant,
            "saas.subscription": self.subscription,
            "saas.target": self.target,
            "saas.tenant.status": self.tenant.status_id,
            "saas.tenant.host": self.tenant.host_ids,
            "saas.operation": self.tenant.operation_ids,
            "saas.operation.step": self._make_step(),
            "saas.database.server": self.server,
            "saas.template": self.tenant.template_id,
            "saas.stray": self.env["saas.stray"].create(
                {"target_id": self.target.id, "ref": "tabcdefghij", "database": "shared"}
            ),
            "saas.audit.entry": self.env["saas.audit.entry"].search([], limit=1),
        }
        chatter = {*self.env["mail.thread"]._fields, *self.env["mail.activity.mixin"]._fields}
        for model, record in records.items():
            for name, field in record._fields.items():
                if name in BY_HAND[model] | chatter or not field.store and not field.inverse:
                    continue
                with self.assertRaises(UserError, msg=f"{model}.{name}"):
                    record.with_user(self.owner).write({name: False})
