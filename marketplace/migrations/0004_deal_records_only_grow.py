from django.db import migrations


class Migration(migrations.Migration):
    """Let nobody change or delete what a deal file has recorded, whatever program asks."""

    dependencies = [("marketplace", "0003_order_numbers")]

    operations = [
        migrations.RunSQL(
            sql="""
                CREATE FUNCTION deal_record_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    RAISE EXCEPTION USING
                        MESSAGE = 'deal records are only ever added', ERRCODE = 'restrict_violation';
                END
                $$;
                CREATE TRIGGER deal_record_only_grows BEFORE UPDATE OR DELETE ON marketplace_dealrecord
                    FOR EACH ROW EXECUTE FUNCTION deal_record_only_grows();
            """,
            reverse_sql="""
                DROP TRIGGER deal_record_only_grows ON marketplace_dealrecord;
                DROP FUNCTION deal_record_only_grows();
            """,
        ),
    ]
