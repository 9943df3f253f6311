import io
from pathlib import Path

import polib

from odoo.tools.translate import trans_export

HOW = "Export it again: odoo i18n export -c CONF -d DB -o FILE MODULE"


class TranslationsMixin:
    """For test cases: what is translated is what is said, in `module`."""

    module = ""

    def _file(self, name):
        folder = Path(__file__).parent.parent / "i18n"
        return polib.pofile(str(folder / name))

    def _said(self):
        """The texts that Odoo finds in the code and in the records of the module now."""
        buffer = io.BytesIO()
        trans_export(False, [self.module], buffer, "po", self.env)
        return {entry.msgid for entry in polib.pofile(buffer.getvalue().decode())}

    def test_the_template_is_not_stale(self):
        written = {entry.msgid for entry in self._file(f"{self.module}.pot")}
        said = self._said()
        self.assertGreater(len(said), 20)
        self.assertFalse(said - written, f"{self.module}.pot lacks these. {HOW}")
        self.assertFalse(written - said, f"{self.module}.pot has these for nothing. {HOW}")

    def test_german_is_complete(self):
        german = self._file("de.po")
        template = {entry.msgid for entry in self._file(f"{self.module}.pot")}
        done = {entry.msgid for entry in german if entry.translated() and not entry.fuzzy}
        self.assertFalse(template - done, "de.po lacks these")
        self.assertFalse(
            {entry.msgid for entry in german} - template, "de.po has these for nothing"
        )
