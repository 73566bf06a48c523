from django.db import migrations

from finance.models.scorecard import SCORECARD_IS_WRITTEN_ONCE, SCORECARD_MAY_CHANGE


class Migration(migrations.Migration):
    """Let nobody change what a scorecard says, whatever program asks."""

    dependencies = [("finance", "0005_life_cycle")]

    operations = [migrations.RunSQL(sql=SCORECARD_IS_WRITTEN_ONCE, reverse_sql=SCORECARD_MAY_CHANGE)]
