"""Receivers, what they refused, and on each piece of evidence which of them it came through and by which rule."""

import django.db.models.deletion
import luota.lib.clock
import luota.lib.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('evidence', '0005_expected_lists'),
        ('monitors', '0004_run_listed'),
        ('workspaces', '0002_secret'),
    ]

    operations = [
        migrations.CreateModel(
            name='Receiver',
            fields=[
                ('id', models.UUIDField(default=luota.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('vendor', models.CharField(max_length=30)),
                ('name', models.CharField(max_length=120)),
                ('secrets', models.BinaryField()),
                ('settings', models.JSONField(default=dict)),
                ('created_at', models.DateTimeField(default=luota.lib.clock.now)),
                ('disabled_at', models.DateTimeField(null=True)),
                ('confirmed_at', models.DateTimeField(null=True)),
                ('last_delivery_at', models.DateTimeField(null=True)),
                ('monitor', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='monitors.monitor')),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='receivers', to='workspaces.workspace')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('workspace', 'name'), name='receiver_name_once')],
            },
        ),
        migrations.CreateModel(
            name='RefusedDelivery',
            fields=[
                ('id', models.UUIDField(default=luota.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('received_at', models.DateTimeField()),
                ('cause', models.CharField(max_length=30)),
                ('detail', models.CharField(max_length=300)),
                ('size', models.PositiveIntegerField()),
                ('digest', models.BinaryField(max_length=32)),
                ('request_id', models.UUIDField(null=True)),
                ('receiver', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='refused', to='evidence.receiver')),
                ('workspace', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='workspaces.workspace')),
            ],
            options={
                'verbose_name_plural': 'refused deliveries',
                'indexes': [models.Index(fields=['receiver', '-id'], name='refused_of_receiver')],
            },
        ),
        # Columns and an index of a partitioned table reach every partition.
        migrations.AddField('Evidence', 'rule', models.CharField(blank=True, db_default='', default='', max_length=80)),
        migrations.AddField(
            'Evidence',
            'receiver',
            models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='evidence.receiver'),
        ),
        migrations.AddIndex(
            'Evidence',
            models.Index(condition=models.Q(('receiver__isnull', False)), fields=['receiver', 'id'], name='evidence_of_receiver'),
        ),
    ]
