/** The one place that `_t` comes from: esbuild renames a second import of it, and then its texts are never extracted. */
export { _t } from "@web/core/l10n/translation"
