"""What a sender expects of a run: a new column of the partitioned table reaches every partition."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [('evidence', '0001_initial')]

    operations = [
        migrations.AddField('Evidence', 'expected', models.JSONField(null=True)),
    ]
