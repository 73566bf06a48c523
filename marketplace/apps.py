from pathlib import Path

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from marketplace.parsing.glossary_check import faults_of
from marketplace.parsing.terms import files_of, use_own_folder


class MarketplaceConfig(AppConfig):
    name = "marketplace"
    verbose_name = _("Marketplace")

    def ready(self):
        """Take in the instance's own glossary; a fault in it stops the start, for it would stop each search."""
        if not settings.GLOSSARY_DIR:
            return
        folder = Path(settings.GLOSSARY_DIR)
        if not folder.is_dir():
            raise ImproperlyConfigured(f"GLOSSARY_DIR names a folder that is not there: {folder}")
        if faults := faults_of(files_of(folder)):
            raise ImproperlyConfigured(f"GLOSSARY_DIR: {faults[0]}; manage.py check_glossary {folder} names them all")
        use_own_folder(folder)
