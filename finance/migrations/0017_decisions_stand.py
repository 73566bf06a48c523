from django.db import migrations

from finance.models.decision import DECISIONS_MAY_CHANGE, DECISIONS_STAND


class Migration(migrations.Migration):
    """Let nobody change what was decided, or a step of an application, whatever program asks."""

    dependencies = [("finance", "0016_log_origin")]

    operations = [migrations.RunSQL(sql=DECISIONS_STAND, reverse_sql=DECISIONS_MAY_CHANGE)]
