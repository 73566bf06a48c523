"""Number the writings of the index.

The numbers start at this database's own microsecond of birth and never go back. So a snapshot of the index, which
keeps the number of each of its entries, can tell a database it was not made from.
"""

from django.db import migrations

CREATE = """
DO $$ BEGIN
    EXECUTE format(
        'CREATE SEQUENCE matching_index_sequence START WITH %s',
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
    );
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("matching", "0001_initial")]
    operations = [migrations.RunSQL(CREATE, "DROP SEQUENCE matching_index_sequence")]
