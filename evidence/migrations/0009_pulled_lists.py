"""Lists that Luota fetches by itself."""

import datetime
import django.db.models.deletion
import luota.lib.clock
import luota.lib.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('evidence', '0008_outcome_nothing'),
        ('monitors', '0004_run_listed'),
        ('workspaces', '0002_secret'),
    ]

    operations = [
        migrations.CreateModel(
            name='Pull',
            fields=[
                ('id', models.UUIDField(default=luota.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=120)),
                ('way', models.CharField(choices=[('http', 'http'), ('sql', 'sql')], max_length=10)),
                ('target', models.JSONField()),
                ('cron', models.CharField(blank=True, max_length=200)),
                ('on_calendar', models.CharField(blank=True, max_length=200)),
                ('timezone', models.CharField(default='UTC', max_length=64)),
                ('reach_back', models.DurationField(null=True)),
                ('start_within', models.DurationField(default=datetime.timedelta)),
                ('settle', models.DurationField()),
                ('may_be_empty', models.BooleanField(default=False)),
                ('paused_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(default=luota.lib.clock.now)),
                ('slot_at', models.DateTimeField(null=True)),
                ('asked_at', models.DateTimeField(null=True)),
                ('next_due_at', models.DateTimeField(null=True)),
                ('pulls_begun', models.PositiveIntegerField(default=0)),
                ('pulled_at', models.DateTimeField(null=True)),
                ('taken_at', models.DateTimeField(null=True)),
                ('taken_count', models.PositiveIntegerField(default=0)),
                ('fault', models.CharField(blank=True, max_length=500)),
                ('failures', models.PositiveIntegerField(default=0)),
                ('broken_since', models.DateTimeField(null=True)),
                ('monitor', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pulls', to='monitors.monitor')),
                ('secret', models.ForeignKey(null=True, on_delete=django.db.models.deletion.RESTRICT, related_name='+', to='workspaces.secret')),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='workspaces.workspace')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('next_due_at__isnull', False)), fields=['next_due_at'], name='pull_due'), models.Index(fields=['workspace', 'monitor'], name='pull_of_workspace')],
                'constraints': [models.UniqueConstraint(fields=('monitor', 'name'), name='pull_name_once'), models.CheckConstraint(condition=models.Q(('cron', ''), ('on_calendar', ''), _connector='OR'), name='pull_has_one_schedule'), models.CheckConstraint(condition=models.Q(('paused_at', None), ('slot_at', None), _connector='OR'), name='pull_paused_is_not_due'), models.CheckConstraint(condition=models.Q(models.Q(('broken_since', None), ('failures', 0), ('fault', '')), models.Q(('broken_since__isnull', False), ('failures__gt', 0), models.Q(('fault', ''), _negated=True)), _connector='OR'), name='pull_fault_iff_broken')],
            },
        ),
    ]
