from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import TransactionCase, tagged

from ..operator_token import TokenRefused
from .common import OperatedMixin


@tagged("post_install", "-at_install", "saas_tenant")
class TestStaff(OperatedMixin, TransactionCase):
    def setUp(self):
        super().setUp()
        self.apply_settings(users=self.count_users())

    def wake(self, login="helper@operator.example", reason="Ticket 1"):
        data = {"login": login, "name": "Hella", "staff": True, "reason": reason}
        return self.env["res.users"]._saas_user_to_sign_on(data, "192.0.2.1")

    def test_staff_do_not_count(self):
        before = self.count_users()
        staff = self.wake()
        self.assertEqual(self.count_users(), before)
        self.assertTrue(staff.has_group("base.group_system"))
        self.assertIn("operator staff", staff.name)

    def test_staff_say_why(self):
        with self.assertRaises(TokenRefused):
            self.wake(reason="")

    def test_staff_come_again_as_the_same_user(self):
        staff = self.wake()
        staff.active = False
        self.assertEqual(self.wake(), staff)
        self.assertTrue(staff.active)
        self.assertEqual(self.env["saas.access.log"].search_count([("kind", "=", "sign_on")]), 2)

    def test_staff_take_no_login_of_a_customer(self):
        self.apply_settings(users=self.count_users() + 1)
        user = self.new_user("helper@operator.example")
        with self.assertRaises(TokenRefused):
            self.wake()
        self.assertFalse(user.saas_staff)

    def test_access_ends_after_hours(self):
        staff = self.wake()
        cron = self.env.ref("saas_tenant.ir_cron_end_staff_access")
        self.assertTrue(
            self.env["ir.cron.trigger"].search(
                [("cron_id", "=", cron.id), ("call_at", "=", staff.saas_staff_until)]
            )
        )
        cron.ir_actions_server_id.run()
        self.assertTrue(staff.active)
        self.env.cr.execute(
            "UPDATE res_users SET saas_staff_until = %s WHERE id = %s",
            (fields.Datetime.now() - timedelta(minutes=1), staff.id),
        )
        staff.invalidate_recordset()
        cron.ir_actions_server_id.run()
        self.assertFalse(staff.active)
        self.assertEqual(self.env["saas.access.log"].search([], limit=1).kind, "sign_on_ended")

    def test_nobody_makes_staff_but_the_operator(self):
        user = self.env.ref("base.user_admin")
        with self.assertRaises(UserError):
            user.saas_staff = True
        with self.assertRaises(UserError):
            self.env["res.users"].create({"name": "x", "login": "x", "saas_staff": True})

    def test_a_customer_can_archive_staff_and_no_more(self):
        staff = self.wake()
        for change in ({"password": "mine now"}, {"login": "mine"}, {"active": True}):
            with self.subTest(change), self.assertRaises(UserError):
                staff.write(change)
        staff.active = False
        with self.assertRaises(UserError):
            staff.active = True

    def test_a_copy_of_staff_is_a_user_like_all(self):
        staff = self.wake()
        self.apply_settings(users=self.count_users() + 1)
        copy = staff.copy({"login": "copy"})
        self.assertFalse(copy.saas_staff)
        with self.assertRaises(ValidationError):
            staff.copy({"login": "another"})

    def test_the_log_stays_as_it_is(self):
        self.wake()
        log = self.env["saas.access.log"].sudo()
        with self.assertRaises(AccessError):
            log.search([], limit=1).reason = "Nothing happened"
        with self.assertRaises(AccessError):
            log.search([], limit=1).unlink()
        with self.assertRaises(AccessError):
            log.create({"kind": "sign_on", "reason": "Invented"})
