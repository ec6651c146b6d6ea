"""Indexes that another one begins with, or that nobody asks: each verdict wrote into all of them."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('monitors', '0008_newly_named_kinds'),
        ('workspaces', '0002_secret'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='run',
            name='run_by_occurrence',
        ),
        migrations.RemoveIndex(
            model_name='run',
            name='run_by_external_id',
        ),
        migrations.AlterField(
            model_name='run',
            name='monitor',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='runs', to='monitors.monitor'),
        ),
        migrations.AlterField(
            model_name='run',
            name='workspace',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='workspaces.workspace'),
        ),
        migrations.AlterField(
            model_name='runmove',
            name='run',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='moves', to='monitors.run'),
        ),
        migrations.AlterField(
            model_name='runmove',
            name='workspace',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='workspaces.workspace'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(fields=['occurrence', 'monitor'], name='run_by_occurrence'),
        ),
    ]
