"""What the database itself keeps from being changed: the log, the ledger, scorecards, decisions."""

from django.db import migrations

from finance.models.log import LOG_MAY_SHRINK, LOG_ONLY_GROWS
from finance.models.scorecard import SCORECARD_IS_WRITTEN_ONCE, SCORECARD_MAY_CHANGE
from finance.models.ledger import LEDGER_MAY_SHRINK, LEDGER_ONLY_GROWS
from finance.models.decision import DECISIONS_MAY_CHANGE, DECISIONS_STAND


class Migration(migrations.Migration):
    dependencies = [("finance", "0001_initial")]

    operations = [
        migrations.RunSQL(sql=LOG_ONLY_GROWS, reverse_sql=LOG_MAY_SHRINK),
        migrations.RunSQL(sql=SCORECARD_IS_WRITTEN_ONCE, reverse_sql=SCORECARD_MAY_CHANGE),
        migrations.RunSQL(sql=LEDGER_ONLY_GROWS, reverse_sql=LEDGER_MAY_SHRINK),
        migrations.RunSQL(sql=DECISIONS_STAND, reverse_sql=DECISIONS_MAY_CHANGE),
    ]
