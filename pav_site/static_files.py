"""Static file storage with content hashes in file names: browsers can cache files forever and never mix versions."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class PageFiles(CompressedManifestStaticFilesStorage):
    """Replaces the names in JavaScript imports too, so that a module imports exactly the versions it was deployed with."""

    support_js_module_import_aggregation = True
