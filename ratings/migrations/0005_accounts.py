"""Accounts: merged guests, superseded ratings, invitations, and the groups that are the roles."""

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


ROLES = ("rater", "researcher", "administrator")  # later versions give them permissions


def make_roles(apps, schema_editor):
    """The groups; those of the same name keep their permissions."""
    for name in ROLES:
        apps.get_model("auth", "Group").objects.get_or_create(name=name)


class Migration(migrations.Migration):

    dependencies = [
        ('ratings', '0004_projections'),
        ('auth', '0012_alter_user_first_name_max_length'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='rater',
            name='withheld_prior',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='ratingevent',
            name='superseded',
            field=models.BooleanField(default=False),
        ),
        migrations.CreateModel(
            name='MergedGuest',
            fields=[
                ('guest', models.UUIDField(primary_key=True, serialize=False)),
                ('first_seq', models.PositiveIntegerField()),
                ('event_count', models.PositiveIntegerField()),
                ('merged_at', models.DateTimeField(auto_now_add=True)),
                ('rater', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='ratings.rater')),
            ],
            options={
                'verbose_name': 'merged guest',
                'verbose_name_plural': 'merged guests',
            },
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('note', models.CharField(blank=True, help_text='For whom; only administrators see it.', max_length=200)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('expires_at', models.DateTimeField()),
                ('used_at', models.DateTimeField(blank=True, null=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='invitations', to=settings.AUTH_USER_MODEL)),
                ('used_by', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='invitation', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'invitation',
                'verbose_name_plural': 'invitations',
                'constraints': [models.CheckConstraint(condition=models.Q(('used_by__isnull', True), ('used_at__isnull', False), _connector='OR'), name='used_invitations_have_a_time')],
            },
        ),
        migrations.RunPython(make_roles, migrations.RunPython.noop),
    ]
