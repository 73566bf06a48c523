from django.db import migrations

# What happened to a booking, a fee and a statement are evidence: the database itself refuses to change them.
SQL = """
CREATE FUNCTION park_row_is_only_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% rows are only added', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE FUNCTION park_fee_is_only_billed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.statement_id IS NULL AND NEW.statement_id IS NOT NULL
       AND to_jsonb(OLD) - 'statement_id' = to_jsonb(NEW) - 'statement_id' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a fee is only added, and billed once' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER booking_event_is_only_added BEFORE UPDATE OR DELETE ON marketplace_bookingevent
    FOR EACH ROW EXECUTE FUNCTION park_row_is_only_added();
CREATE TRIGGER statement_is_only_added BEFORE UPDATE OR DELETE ON marketplace_statement
    FOR EACH ROW EXECUTE FUNCTION park_row_is_only_added();
CREATE TRIGGER fee_is_only_added BEFORE DELETE ON marketplace_fee
    FOR EACH ROW EXECUTE FUNCTION park_row_is_only_added();
CREATE TRIGGER fee_is_only_billed BEFORE UPDATE ON marketplace_fee
    FOR EACH ROW EXECUTE FUNCTION park_fee_is_only_billed();
"""
BACK = """
DROP TRIGGER booking_event_is_only_added ON marketplace_bookingevent;
DROP TRIGGER statement_is_only_added ON marketplace_statement;
DROP TRIGGER fee_is_only_added ON marketplace_fee;
DROP TRIGGER fee_is_only_billed ON marketplace_fee;
DROP FUNCTION park_row_is_only_added();
DROP FUNCTION park_fee_is_only_billed();
"""


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0004_deal_records_only_grow")]
    operations = [migrations.RunSQL(SQL, BACK)]
