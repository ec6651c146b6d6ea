"""Keys under HMAC; what nobody asked for in a table of its own, as long as it may be."""

import django.db.models.deletion
import luota.lib.clock
import luota.lib.ids
from django.db import migrations, models

# What was named before: the first hundred of each list.
KEEP_FIRST = """
    INSERT INTO evidence_unexpectedkey (expected_set_id, workspace_id, key)
    SELECT s.id, s.workspace_id, first.key
    FROM evidence_expectedset s CROSS JOIN LATERAL unnest(s.unexpected_first) AS first(key)
    ON CONFLICT DO NOTHING
"""
PUT_BACK = """
    UPDATE evidence_expectedset s SET unexpected_first = ARRAY(
        SELECT key FROM evidence_unexpectedkey u WHERE u.expected_set_id = s.id ORDER BY key LIMIT 100)
"""


class Migration(migrations.Migration):

    dependencies = [
        ('evidence', '0006_receivers'),
        ('monitors', '0004_run_listed'),
        ('workspaces', '0002_secret'),
    ]

    operations = [
        migrations.CreateModel(
            name='ListKey',
            fields=[
                ('id', models.UUIDField(default=luota.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('key_id', models.CharField(max_length=64)),
                ('sealed', models.BinaryField()),
                ('last4', models.CharField(max_length=4)),
                ('created_at', models.DateTimeField(default=luota.lib.clock.now)),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='workspaces.workspace')),
            ],
        ),
        migrations.AddConstraint(
            model_name='listkey',
            constraint=models.UniqueConstraint(fields=('workspace', 'key_id'), name='list_key_once'),
        ),
        migrations.CreateModel(
            name='UnexpectedKey',
            fields=[
                ('pk', models.CompositePrimaryKey('expected_set_id', 'key', blank=True, editable=False, primary_key=True, serialize=False)),
                ('key', models.CharField(max_length=200)),
                ('expected_set', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='unexpected', to='evidence.expectedset')),
                ('workspace', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='workspaces.workspace')),
            ],
        ),
        migrations.RunSQL(KEEP_FIRST, PUT_BACK),
        migrations.RemoveField(
            model_name='expectedset',
            name='unexpected_first',
        ),
        migrations.AddField(
            model_name='expectedset',
            name='list_key',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.RESTRICT, related_name='+', to='evidence.listkey'),
        ),
        migrations.AddField(
            model_name='expectedset',
            name='follow_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name='expectedset',
            index=models.Index(condition=models.Q(('follow_at__isnull', False)), fields=['follow_at'], name='expected_set_followed'),
        ),
    ]
