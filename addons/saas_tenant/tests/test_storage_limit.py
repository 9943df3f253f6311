from odoo.exceptions import ValidationError
from odoo.tests import TransactionCase, tagged

from .common import OperatedMixin


@tagged("post_install", "-at_install", "saas_tenant")
class TestStorageLimit(OperatedMixin, TransactionCase):
    def store(self, megabytes, **values):
        content = b"x" * (megabytes << 20)
        return self.env["ir.attachment"].create({"name": "file.bin", "raw": content, **values})

    def assertFull(self, act):
        with self.assertRaises(ValidationError) as caught, self.env.cr.savepoint():
            act()
            self.env.flush_all()
        self.assertIn("storage", str(caught.exception))
        self.assertIn("http://master.example/my/odoo", str(caught.exception))

    def fill(self, room):
        self.apply_settings(storage_mb=self.env["ir.attachment"]._saas_storage_mb() + room)

    def overfill(self):
        # By far: a database that was just made gives megabytes back when it is vacuumed.
        self.fill(room=-20)

    def test_files_within_the_limit(self):
        self.fill(room=3)
        self.assertEqual(self.store(2).file_size, 2 << 20)
        self.assertFull(lambda: self.store(4))

    def test_a_file_that_grows(self):
        attachment = self.store(1)
        self.fill(room=2)
        self.assertFull(lambda: attachment.write({"raw": b"y" * (5 << 20)}))

    def test_files_behind_fields_count_too(self):
        self.overfill()
        partner = self.env["res.partner"].create({"name": "Pictured"})
        picture = (
            b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJ"
            b"RU5ErkJggg=="
        )
        self.assertFull(lambda: partner.write({"image_1920": picture}))

    def test_bundles_of_the_web_client_are_never_refused(self):
        self.overfill()
        bundle = self.store(1, url="/web/assets/1/test.min.js", public=True)
        self.assertTrue(bundle.exists())
