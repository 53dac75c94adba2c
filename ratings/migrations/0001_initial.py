import django.db.models.deletion
import pgvector.django.halfvec
from pgvector.django import VectorExtension
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        VectorExtension(),
        migrations.CreateModel(
            name='Person',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('ratings_seq', models.PositiveIntegerField(default=0)),
                ('refit_queued_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('user', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'people',
            },
        ),
        migrations.CreateModel(
            name='Bank',
            fields=[
                ('hash', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('card', models.JSONField()),
                ('is_current', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('is_current', True)), fields=('is_current',), name='one_current_bank')],
            },
        ),
        migrations.CreateModel(
            name='Photo',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200)),
                ('sha256', models.CharField(max_length=64)),
                ('content_hash', models.CharField(max_length=16)),
                ('width', models.PositiveIntegerField()),
                ('height', models.PositiveIntegerField()),
                ('thumbhash', models.CharField(max_length=64)),
                ('alt', models.CharField(blank=True, max_length=300)),
                ('credit', models.CharField(blank=True, max_length=300)),
                ('licence', models.CharField(blank=True, max_length=100)),
                ('licence_url', models.CharField(blank=True, max_length=300)),
                ('source', models.CharField(blank=True, max_length=300)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to='ratings.person')),
            ],
        ),
        migrations.CreateModel(
            name='Description',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('score', models.FloatField()),
                ('features', pgvector.django.halfvec.HalfVectorField(dimensions=256)),
                ('bank', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='ratings.bank')),
                ('photo', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='ratings.photo')),
            ],
        ),
        migrations.CreateModel(
            name='Presentation',
            fields=[
                ('token', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('algorithm', models.CharField(max_length=20)),
                ('reason', models.JSONField(default=dict)),
                ('position', models.BigIntegerField()),
                ('dealt_at', models.DateTimeField(auto_now_add=True)),
                ('answered_at', models.DateTimeField(blank=True, null=True)),
                ('value', models.SmallIntegerField(blank=True, choices=[(0, 'skip'), (1, 'dislike'), (2, 'like'), (3, 'love')], null=True)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='ratings.person')),
                ('photo', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='ratings.photo')),
            ],
        ),
        migrations.CreateModel(
            name='RatingEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('seq', models.PositiveIntegerField()),
                ('client_id', models.UUIDField()),
                ('kind', models.CharField(choices=[('set', 'Set'), ('undo', 'Undo')], max_length=4)),
                ('value', models.SmallIntegerField(choices=[(0, 'skip'), (1, 'dislike'), (2, 'like'), (3, 'love')])),
                ('on_screen_ms', models.PositiveIntegerField(blank=True, null=True)),
                ('modality', models.CharField(blank=True, max_length=10)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='ratings.person')),
                ('presentation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='ratings.presentation')),
            ],
        ),
        migrations.CreateModel(
            name='Fit',
            fields=[
                ('person', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, serialize=False, to='ratings.person')),
                ('version', models.PositiveIntegerField(default=0)),
                ('ratings_seq', models.PositiveIntegerField(default=0)),
                ('weights', pgvector.django.halfvec.HalfVectorField(dimensions=256)),
                ('covariance', models.BinaryField(default=bytes)),
                ('accuracy', models.JSONField(blank=True, null=True)),
                ('top', models.JSONField(default=list)),
                ('previous_top', models.JSONField(default=list)),
                ('next_cards', models.JSONField(default=list)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('bank', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to='ratings.bank')),
            ],
        ),
        migrations.AddConstraint(
            model_name='photo',
            constraint=models.UniqueConstraint(fields=('owner', 'sha256'), name='one_photo_per_owner_and_content', nulls_distinct=False),
        ),
        migrations.AddIndex(
            model_name='description',
            index=models.Index(fields=['bank', '-score'], name='generic_order'),
        ),
        migrations.AddConstraint(
            model_name='description',
            constraint=models.UniqueConstraint(fields=('bank', 'photo'), name='one_description_per_bank_and_photo'),
        ),
        migrations.AddIndex(
            model_name='presentation',
            index=models.Index(condition=models.Q(('answered_at__isnull', True)), fields=['person', 'position'], name='open_cards'),
        ),
        migrations.AddConstraint(
            model_name='presentation',
            constraint=models.UniqueConstraint(fields=('person', 'photo'), name='a_photo_is_dealt_once'),
        ),
        migrations.AddConstraint(
            model_name='presentation',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('answered_at__isnull', True), ('value__isnull', True)), models.Q(('answered_at__isnull', False), ('value__isnull', False)), _connector='OR'), name='answered_cards_have_a_value'),
        ),
        migrations.AddConstraint(
            model_name='ratingevent',
            constraint=models.UniqueConstraint(fields=('person', 'client_id'), name='a_resent_event_is_the_same_event'),
        ),
        migrations.AddConstraint(
            model_name='ratingevent',
            constraint=models.UniqueConstraint(fields=('person', 'seq'), name='events_are_numbered'),
        ),
    ]
