"""How the page's files are named: by their content, so that browsers keep them for ever and never mix two versions."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class PageFiles(CompressedManifestStaticFilesStorage):
    """Names by content inside JavaScript modules too: a module imports exactly the version that it was written with."""

    support_js_module_import_aggregation = True
