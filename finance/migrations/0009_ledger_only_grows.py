from django.db import migrations

from finance.models.ledger import LEDGER_MAY_SHRINK, LEDGER_ONLY_GROWS


class Migration(migrations.Migration):
    """Let nobody change or delete what was posted, nor post what does not balance, whatever program asks."""

    dependencies = [("finance", "0008_lending")]

    operations = [migrations.RunSQL(sql=LEDGER_ONLY_GROWS, reverse_sql=LEDGER_MAY_SHRINK)]
