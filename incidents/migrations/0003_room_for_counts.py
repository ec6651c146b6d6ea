from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('incidents', '0002_broken_conditions'),
    ]

    operations = [
        # Room on each page for heap-only updates: runs that join a file only change its count.
        migrations.RunSQL("ALTER TABLE incidents_incident SET (fillfactor = 50)", migrations.RunSQL.noop),
    ]
