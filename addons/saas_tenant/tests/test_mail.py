from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import TransactionCase, tagged

from odoo.addons.base.models.ir_mail_server import IrMail_Server

from .common import OperatedMixin


@tagged("post_install", "-at_install", "saas_tenant")
class TestMail(OperatedMixin, TransactionCase):
    def setUp(self):
        super().setUp()
        self.mail = self.env["mail.mail"].create(
            {"email_to": "customer@example.com", "body_html": "<p>Hello</p>"}
        )
        self.server = self.env["ir.mail_server"].create(
            {"name": "Their own", "smtp_host": "smtp.elsewhere.example"}
        )

    def test_without_a_relay_mail_waits(self):
        self.configure(smtp_server="")
        self.mail.send()
        self.env["mail.mail"].process_email_queue()
        self.assertEqual(self.mail.state, "outgoing")
        self.assertFalse(self.mail.failure_reason)
        self.assertEqual(self.env["ir.http"]._saas_notices(), [])
        note = self.env["res.config.settings"].create({}).saas_mail_note
        self.assertIn("mail is waiting", note)

    def test_without_a_relay_testing_a_server_says_why(self):
        self.configure(smtp_server="")
        with self.assertRaisesRegex(UserError, "not set up a mail relay"):
            self.server.test_smtp_connection()

    def test_where_the_plan_sends_no_mail_it_waits_and_says_so(self):
        self.configure(smtp_server="")
        self.apply_settings(mail="not_in_plan")
        self.mail.send()
        self.assertEqual(self.mail.state, "outgoing")
        with self.assertRaisesRegex(UserError, "does not include outgoing mail") as raised:
            self.server.test_smtp_connection()
        texts = [notice["text"] for notice in self.env["ir.http"]._saas_notices()]
        why = str(raised.exception)
        self.assertIn(why, texts)
        self.assertIn("http://master.example/my/odoo", why)

    def test_only_the_relay_is_used(self):
        self.configure(
            smtp_server="relay.example", smtp_port=2525, smtp_user=False, smtp_password=False
        )
        with (
            patch.object(IrMail_Server, "_disable_send", return_value=False),
            patch("smtplib.SMTP") as smtp,
        ):
            self.env["ir.mail_server"]._connect__(
                mail_server_id=self.server.id, smtp_from="a@example.com"
            )
            self.env["ir.mail_server"]._connect__(host="smtp.elsewhere.example", port=25)
        self.assertEqual([call.args for call in smtp.call_args_list], [("relay.example", 2525)] * 2)

    def test_without_an_operator_servers_work_as_ever(self):
        self.configure(saas_public_key="", smtp_server="")
        with (
            patch.object(IrMail_Server, "_disable_send", return_value=False),
            patch("smtplib.SMTP") as smtp,
        ):
            self.env["ir.mail_server"]._connect__(mail_server_id=self.server.id)
        self.assertEqual(smtp.call_args.args[0], "smtp.elsewhere.example")
