"""Which monitors a kind concerns; filled from the specs that are there."""

import django.db.models.deletion
from django.db import migrations, models

FILL = """
INSERT INTO monitors_monitorkind (workspace_id, monitor_id, kind)
SELECT DISTINCT m.workspace_id, m.id, named.value ->> 'kind'
FROM monitors_monitor m JOIN monitors_spec s ON s.id = m.spec_id
CROSS JOIN LATERAL (
    SELECT value FROM jsonb_array_elements(coalesce(s.document -> 'steps', '[]'))
    UNION ALL SELECT value FROM jsonb_array_elements(coalesce(s.document -> 'comforts', '[]'))
) named
"""


class Migration(migrations.Migration):

    dependencies = [('monitors', '0002_run_next_deadline')]

    operations = [
        migrations.CreateModel(
            name='MonitorKind',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=64)),
                ('monitor', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='monitors.monitor')),
                ('workspace', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='workspaces.workspace')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('workspace', 'kind', 'monitor'), name='monitor_kind_once')],
            },
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
