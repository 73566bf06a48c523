from django.db import migrations

from finance.models.log import LOG_MAY_SHRINK, LOG_ONLY_GROWS


class Migration(migrations.Migration):
    """Let nobody change or delete what the evidence log holds, whatever program asks."""

    dependencies = [("finance", "0002_evidence_log")]

    operations = [migrations.RunSQL(sql=LOG_ONLY_GROWS, reverse_sql=LOG_MAY_SHRINK)]
