"""Indexes that another one begins with, or that nobody asks: each file and each affected run wrote into them."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('incidents', '0003_room_for_counts'),
        ('monitors', '0008_newly_named_kinds'),
        ('workspaces', '0002_secret'),
    ]

    operations = [
        migrations.AlterField(
            model_name='affectedrun',
            name='incident',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='affected_runs', to='incidents.incident'),
        ),
        migrations.AlterField(
            model_name='affectedrun',
            name='workspace',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='workspaces.workspace'),
        ),
        migrations.AlterField(
            model_name='incident',
            name='monitor',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='incidents', to='monitors.monitor'),
        ),
        migrations.AlterField(
            model_name='incident',
            name='workspace',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='incidents', to='workspaces.workspace'),
        ),
    ]
