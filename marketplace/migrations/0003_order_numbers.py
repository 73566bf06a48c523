from django.db import migrations


class Migration(migrations.Migration):
    """A number for each order, given without waiting for another order's transaction to end."""

    dependencies = [("marketplace", "0002_deals")]

    operations = [
        migrations.RunSQL("CREATE SEQUENCE marketplace_order_number", "DROP SEQUENCE marketplace_order_number"),
    ]
