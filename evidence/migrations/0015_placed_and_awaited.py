from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('evidence', '0014_repeats_listed'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='unplacedevidence',
            name='unplaced_of_workspace',
        ),
        migrations.RemoveIndex(
            model_name='unplacedevidence',
            name='unplaced_by_source',
        ),
        migrations.AddField(
            model_name='unplacedevidence',
            name='is_placed',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddIndex(
            model_name='unplacedevidence',
            index=models.Index(fields=['received_at'], name='unplaced_by_age'),
        ),
        migrations.AddIndex(
            model_name='unplacedevidence',
            index=models.Index(condition=models.Q(('is_placed', False)), fields=['workspace', '-id'], name='unplaced_of_workspace'),
        ),
        migrations.AddIndex(
            model_name='unplacedevidence',
            index=models.Index(condition=models.Q(('is_placed', False)), fields=['workspace', 'source', 'kind', '-id'], name='unplaced_by_source'),
        ),
    ]
