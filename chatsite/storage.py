"""Static files under names that change with their content, so that browsers may keep them for ever.

Knows whitenoise; must not know any file.
"""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Hashed and compressed by ``collectstatic``; a script's own imports are rewritten to the hashed names as well."""

    support_js_module_import_aggregation = True
    # A script's name depends on those of its imports: as many passes as modules in a row import each other.
    max_post_process_passes = 12
