"""Support finds a run by its whole external id, in any workspace."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('monitors', '0004_run_listed'),
        ('workspaces', '0002_secret'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('key', ''), _negated=True), fields=['occurrence'], name='run_by_external_id'),
        ),
    ]
