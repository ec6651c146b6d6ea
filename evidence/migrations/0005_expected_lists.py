"""Lists of the runs that must happen, and their keys."""

import django.contrib.postgres.fields
import django.db.models.deletion
import luota.lib.clock
import luota.lib.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('evidence', '0004_probe'),
        ('monitors', '0004_run_listed'),
        ('workspaces', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='ExpectedSet',
            fields=[
                ('id', models.UUIDField(default=luota.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('window', models.CharField(max_length=200)),
                ('source', models.CharField(choices=[('pushed', 'Pushed'), ('pulled', 'Pulled'), ('calendar', 'Calendar')], max_length=10)),
                ('opens_from', models.DateTimeField(null=True)),
                ('opens_until', models.DateTimeField(null=True)),
                ('settle', models.DurationField()),
                ('due_at', models.DateTimeField()),
                ('is_complete', models.BooleanField(default=False)),
                ('count', models.PositiveIntegerField(default=0)),
                ('announced_count', models.PositiveIntegerField(null=True)),
                ('announced_digest', models.CharField(blank=True, max_length=64)),
                ('state', models.CharField(choices=[('open', 'Open'), ('filing', 'Filing'), ('reconciled', 'Reconciled')], default='open', max_length=10)),
                ('missing_count', models.PositiveIntegerField(default=0)),
                ('unexpected_count', models.PositiveIntegerField(null=True)),
                ('unexpected_first', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200), default=list, size=None)),
                ('found_count', models.PositiveIntegerField(null=True)),
                ('is_matched', models.BooleanField(null=True)),
                ('reconciled_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(default=luota.lib.clock.now)),
                ('monitor', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='expected_sets', to='monitors.monitor')),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='workspaces.workspace')),
            ],
        ),
        migrations.CreateModel(
            name='ExpectedKey',
            fields=[
                ('pk', models.CompositePrimaryKey('expected_set_id', 'key', blank=True, editable=False, primary_key=True, serialize=False)),
                ('key', models.CharField(max_length=200)),
                ('is_missing', models.BooleanField(default=False)),
                ('run_id', models.UUIDField(null=True)),
                ('workspace', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='workspaces.workspace')),
                ('expected_set', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='keys', to='evidence.expectedset')),
            ],
        ),
        migrations.AddIndex(
            model_name='expectedset',
            index=models.Index(condition=models.Q(('state', 'reconciled'), _negated=True), fields=['due_at'], name='expected_set_due'),
        ),
        migrations.AddIndex(
            model_name='expectedset',
            index=models.Index(fields=['workspace', '-id'], name='expected_set_recent'),
        ),
        migrations.AddIndex(
            model_name='expectedset',
            index=models.Index(fields=['monitor', '-id'], name='expected_set_of_monitor'),
        ),
        migrations.AddConstraint(
            model_name='expectedset',
            constraint=models.UniqueConstraint(fields=('monitor', 'window'), name='expected_set_once'),
        ),
        migrations.AddIndex(
            model_name='expectedkey',
            index=models.Index(condition=models.Q(('is_missing', True)), fields=['expected_set', 'key'], name='expected_key_missing'),
        ),
        migrations.AddIndex(
            model_name='expectedkey',
            index=models.Index(condition=models.Q(('is_missing', True), ('run_id', None)), fields=['expected_set', 'key'], name='expected_key_unfiled'),
        ),
    ]
