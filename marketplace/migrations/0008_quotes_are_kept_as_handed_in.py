"""A quote that was handed in stays as it was, version by version; so does who amended and who opened."""

from django.db import migrations

# What happens to a quote afterwards; JSONB so that a column added later is guarded as well.
QUOTE = """
CREATE FUNCTION marketplace_quote_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    answers CONSTANT text[] := ARRAY[
        'status', 'rfq_revision', 'valid_until', 'updated_at', 'ended_at', 'answer_note'
    ];
BEGIN
    IF OLD.status <> 'draft'
       AND (TG_OP = 'DELETE' OR to_jsonb(OLD) - answers IS DISTINCT FROM to_jsonb(NEW) - answers) THEN
        RAISE EXCEPTION 'A quote that was handed in is never changed, only followed by another version.'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'quote_is_kept';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER quote_is_kept BEFORE UPDATE OR DELETE ON marketplace_quote
    FOR EACH ROW EXECUTE FUNCTION marketplace_quote_is_kept();

CREATE FUNCTION marketplace_quote_line_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM marketplace_quote WHERE id = OLD.quote_id AND status <> 'draft') THEN
        RAISE EXCEPTION 'A line of a quote that was handed in is never changed.'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'quote_line_is_kept';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER quote_line_is_kept BEFORE UPDATE OR DELETE ON marketplace_quoteline
    FOR EACH ROW EXECUTE FUNCTION marketplace_quote_line_is_kept();
"""
QUOTE_BACK = """
DROP TRIGGER quote_is_kept ON marketplace_quote;
DROP TRIGGER quote_line_is_kept ON marketplace_quoteline;
DROP FUNCTION marketplace_quote_is_kept();
DROP FUNCTION marketplace_quote_line_is_kept();
"""
APPEND_ONLY = """
CREATE TRIGGER rfq_amendment_is_append_only BEFORE UPDATE OR DELETE ON marketplace_rfqamendment
    FOR EACH ROW EXECUTE FUNCTION marketplace_row_is_append_only();
CREATE TRIGGER rfq_opening_is_append_only BEFORE UPDATE OR DELETE ON marketplace_rfqopening
    FOR EACH ROW EXECUTE FUNCTION marketplace_row_is_append_only();
"""
APPEND_ONLY_BACK = """
DROP TRIGGER rfq_amendment_is_append_only ON marketplace_rfqamendment;
DROP TRIGGER rfq_opening_is_append_only ON marketplace_rfqopening;
"""


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0007_fulfilment_is_only_added")]

    operations = [
        migrations.RunSQL(QUOTE, QUOTE_BACK),
        migrations.RunSQL(APPEND_ONLY, APPEND_ONLY_BACK),
    ]
