"""What was once said in a deal stays as it was said: the database refuses to change it."""

from django.db import migrations

# Beside its answer an offer never changes; JSONB so that a column added later is guarded as well.
OFFER = """
CREATE FUNCTION marketplace_offer_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE'
       OR to_jsonb(OLD) - ARRAY['status', 'answered_at', 'answered_by_id', 'answer_note']
          IS DISTINCT FROM to_jsonb(NEW) - ARRAY['status', 'answered_at', 'answered_by_id', 'answer_note'] THEN
        RAISE EXCEPTION 'An offer is never changed, only answered.'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'offer_is_immutable';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER offer_is_immutable BEFORE UPDATE OR DELETE ON marketplace_offer
    FOR EACH ROW EXECUTE FUNCTION marketplace_offer_is_immutable();

CREATE FUNCTION marketplace_offer_line_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR to_jsonb(OLD) - 'held' IS DISTINCT FROM to_jsonb(NEW) - 'held' THEN
        RAISE EXCEPTION 'A line of an offer is never changed.'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'offer_line_is_immutable';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER offer_line_is_immutable BEFORE UPDATE OR DELETE ON marketplace_offerline
    FOR EACH ROW EXECUTE FUNCTION marketplace_offer_line_is_immutable();
"""
OFFER_BACK = """
DROP TRIGGER offer_is_immutable ON marketplace_offer;
DROP TRIGGER offer_line_is_immutable ON marketplace_offerline;
DROP FUNCTION marketplace_offer_is_immutable();
DROP FUNCTION marketplace_offer_line_is_immutable();
"""
APPEND_ONLY = """
CREATE FUNCTION marketplace_row_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only.', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE TRIGGER order_move_is_append_only BEFORE UPDATE OR DELETE ON marketplace_ordermove
    FOR EACH ROW EXECUTE FUNCTION marketplace_row_is_append_only();
CREATE TRIGGER fulfilment_event_is_append_only BEFORE UPDATE OR DELETE ON marketplace_fulfilmentevent
    FOR EACH ROW EXECUTE FUNCTION marketplace_row_is_append_only();
"""
APPEND_ONLY_BACK = """
DROP TRIGGER order_move_is_append_only ON marketplace_ordermove;
DROP TRIGGER fulfilment_event_is_append_only ON marketplace_fulfilmentevent;
DROP FUNCTION marketplace_row_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0005_park_rows_only_added")]

    operations = [
        migrations.RunSQL(OFFER, OFFER_BACK),
        migrations.RunSQL(APPEND_ONLY, APPEND_ONLY_BACK),
    ]
