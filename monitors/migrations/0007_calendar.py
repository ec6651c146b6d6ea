"""When the calendars of a monitor make their next list."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('monitors', '0006_nothing_to_do'),
        ('workspaces', '0002_secret'),
    ]

    operations = [
        migrations.AddField(
            model_name='monitor',
            name='calendar_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name='monitor',
            index=models.Index(condition=models.Q(('calendar_at__isnull', False)), fields=['calendar_at'], name='calendar_due'),
        ),
    ]
