"""Runs that a list names are found by their key until they begin."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('monitors', '0003_monitor_kinds'),
        ('workspaces', '0001_initial'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('expected_at__isnull', False), ('opened_at__isnull', True)), fields=['monitor', 'key'], name='run_listed'),
        ),
    ]
