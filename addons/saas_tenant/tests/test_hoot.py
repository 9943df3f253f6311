from unittest import SkipTest

from odoo.tests import HttpCase, no_retry, tagged

SUITE = "@saas_tenant"


def hoot_id(name):
    """How HOOT names suites in its address: Java's string hash, 32 bits in hexadecimal."""
    value = 0
    for char in name:
        value = ((value << 5) - value + ord(char)) & 0xFFFFFFFF
    return f"{value:08x}"


@tagged("post_install", "-at_install", "saas_tenant")
class TestHoot(HttpCase):
    """The unit tests of this addon's scripts, run by Odoo's own runner in a real browser."""

    @no_retry
    def test_desktop(self):
        self._run_suite("/web/tests?headless&loglevel=2&preset=desktop&timeout=15000")

    @no_retry
    def test_mobile(self):
        self.browser_size = "375x667"
        self.touch_enabled = True
        self._run_suite("/web/tests?headless&loglevel=2&preset=mobile&timeout=15000")

    def _run_suite(self, url):
        try:
            self.browser_js(
                f"{url}&id={hoot_id(SUITE)}",
                "",
                "",
                login="admin",
                timeout=600,
                success_signal="[HOOT] Test suite succeeded",
                error_checker=lambda message: "[HOOT]" not in message,
            )
        except SkipTest as skip:
            # Odoo skips where Chromium or the websocket library is missing: that proves nothing.
            self.fail(f"Not run: {skip}")
