"""What happened to goods, and what was signed, stays as it was written: the database refuses to change it."""

from django.db import migrations

SQL = """
CREATE TRIGGER stock_move_is_append_only BEFORE UPDATE OR DELETE ON marketplace_stockmove
    FOR EACH ROW EXECUTE FUNCTION marketplace_row_is_append_only();
CREATE TRIGGER receipt_signature_is_append_only BEFORE UPDATE OR DELETE ON marketplace_receiptsignature
    FOR EACH ROW EXECUTE FUNCTION marketplace_row_is_append_only();
CREATE TRIGGER inspection_result_is_append_only BEFORE UPDATE OR DELETE ON marketplace_inspectionresult
    FOR EACH ROW EXECUTE FUNCTION marketplace_row_is_append_only();
CREATE FUNCTION marketplace_receipt_says_what_it_said() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.content IS DISTINCT FROM NEW.content OR OLD.sha256 <> NEW.sha256
       OR OLD.number <> NEW.number OR OLD.order_id <> NEW.order_id OR OLD.shipment_id <> NEW.shipment_id
       OR (OLD.status <> 'to_sign' AND OLD.status <> NEW.status) THEN
        RAISE EXCEPTION 'A receipt is never changed, only signed or withdrawn.'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'receipt_is_immutable';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER receipt_is_immutable BEFORE UPDATE OR DELETE ON marketplace_receipt
    FOR EACH ROW EXECUTE FUNCTION marketplace_receipt_says_what_it_said();
"""
BACK = """
DROP TRIGGER stock_move_is_append_only ON marketplace_stockmove;
DROP TRIGGER receipt_signature_is_append_only ON marketplace_receiptsignature;
DROP TRIGGER inspection_result_is_append_only ON marketplace_inspectionresult;
DROP TRIGGER receipt_is_immutable ON marketplace_receipt;
DROP FUNCTION marketplace_receipt_says_what_it_said();
"""


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0006_deals_are_kept_as_said")]
    operations = [migrations.RunSQL(SQL, BACK)]
