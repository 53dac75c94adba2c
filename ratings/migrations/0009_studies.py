"""Rating studies, and the permission that makes the role of a researcher."""

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


def let_researchers_have_studies(apps, schema_editor):
    """The permission is made here, because Django makes those of new tables after all migrations."""
    table, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(app_label="ratings", model="study")
    permission, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=table, codename="add_study", defaults={"name": "Can add study"}
    )
    role, _ = apps.get_model("auth", "Group").objects.get_or_create(name="researcher")
    role.permissions.add(permission)


class Migration(migrations.Migration):

    dependencies = [
        ('contenttypes', '0002_remove_content_type_name'),
        ('auth', '0012_alter_user_first_name_max_length'),
        ('ratings', '0008_own_photos'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Participant',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('mode', models.CharField(choices=[('preview', 'preview'), ('pilot', 'pilot'), ('main', 'study')], max_length=8)),
                ('number', models.PositiveIntegerField()),
                ('pseudonym', models.CharField(max_length=12)),
                ('withdrawal_code', models.CharField(max_length=19, unique=True)),
                ('language', models.CharField(max_length=20)),
                ('consent_hash', models.CharField(max_length=64)),
                ('consented_at', models.DateTimeField(auto_now_add=True)),
                ('condition', models.CharField(blank=True, max_length=60)),
                ('row', models.PositiveIntegerField()),
                ('photos', models.JSONField(default=list)),
                ('chances', models.JSONField(default=list)),
                ('state', models.CharField(choices=[('under_way', 'under way'), ('completed', 'completed'), ('screened_out', 'screened out'), ('checks_failed', 'comprehension not passed'), ('left', 'left'), ('fault', 'technical fault'), ('withdrawn', 'withdrawn')], default='under_way', max_length=13)),
                ('step', models.CharField(max_length=20)),
                ('next_place', models.PositiveIntegerField(default=0)),
                ('comprehension_tries', models.PositiveSmallIntegerField(default=0)),
                ('lease_until', models.DateTimeField()),
                ('released', models.BooleanField(default=False)),
                ('page', models.UUIDField(blank=True, null=True)),
                ('page_seen_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('crowd_status', models.CharField(blank=True, max_length=20)),
                ('fault_note', models.CharField(blank=True, max_length=200)),
            ],
            options={
                'verbose_name': 'participant',
                'verbose_name_plural': 'participants',
            },
        ),
        migrations.CreateModel(
            name='Exclusion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(max_length=500)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('excluded_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('participant', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='exclusion', to='ratings.participant')),
            ],
            options={
                'verbose_name': 'exclusion',
                'verbose_name_plural': 'exclusions',
            },
        ),
        migrations.CreateModel(
            name='Study',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(unique=True)),
                ('state', models.CharField(choices=[('draft', 'draft'), ('preview', 'preview'), ('pilot', 'pilot'), ('open', 'open'), ('paused', 'paused'), ('closed', 'closed'), ('archived', 'archived')], default='draft', max_length=8)),
                ('draft', models.TextField()),
                ('places', models.PositiveIntegerField(default=0)),
                ('ends_at', models.DateTimeField(blank=True, null=True)),
                ('contact', models.CharField(blank=True, max_length=200)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='studies', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'study',
                'verbose_name_plural': 'studies',
            },
        ),
        migrations.AddField(
            model_name='participant',
            name='study',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='participants', to='ratings.study'),
        ),
        migrations.CreateModel(
            name='StudyDesign',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField()),
                ('hash', models.CharField(max_length=64)),
                ('consent_hashes', models.JSONField()),
                ('versions', models.JSONField()),
                ('is_opening', models.BooleanField(default=False)),
                ('frozen_at', models.DateTimeField(auto_now_add=True)),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='designs', to='ratings.study')),
            ],
            options={
                'verbose_name': 'study design',
                'verbose_name_plural': 'study designs',
            },
        ),
        migrations.AddField(
            model_name='study',
            name='design',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ratings.studydesign'),
        ),
        migrations.AddField(
            model_name='participant',
            name='design',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ratings.studydesign'),
        ),
        migrations.CreateModel(
            name='StudyInvitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=20, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to='ratings.study')),
            ],
            options={
                'verbose_name': 'invitation to a study',
                'verbose_name_plural': 'invitations to studies',
            },
        ),
        migrations.CreateModel(
            name='StudyLog',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=20)),
                ('data', models.JSONField(default=dict)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('made_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='log', to='ratings.study')),
            ],
            options={
                'verbose_name': 'study log',
                'verbose_name_plural': 'study log',
            },
        ),
        migrations.CreateModel(
            name='StudyPhoto',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sha256', models.CharField(max_length=64)),
                ('category', models.CharField(blank=True, max_length=60)),
                ('photo', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='ratings.photo')),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='photos', to='ratings.study')),
            ],
            options={
                'verbose_name': 'photo of a study',
                'verbose_name_plural': 'photos of studies',
            },
        ),
        migrations.CreateModel(
            name='Trial',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('client_id', models.UUIDField()),
                ('place', models.PositiveIntegerField()),
                ('attempt', models.PositiveSmallIntegerField(default=0)),
                ('phase', models.CharField(choices=[('practice', 'practice'), ('main', 'trial'), ('check', 'instructed check')], max_length=8)),
                ('block', models.CharField(blank=True, max_length=60)),
                ('position', models.PositiveIntegerField()),
                ('repeat_of', models.PositiveIntegerField(blank=True, null=True)),
                ('dealt_by', models.CharField(max_length=20)),
                ('probability', models.FloatField(blank=True, null=True)),
                ('check_value', models.SmallIntegerField(blank=True, null=True)),
                ('value', models.SmallIntegerField(blank=True, null=True)),
                ('skipped', models.BooleanField(default=False)),
                ('timed_out', models.BooleanField(default=False)),
                ('changes', models.JSONField(default=list)),
                ('time_origin', models.FloatField()),
                ('shown_ms', models.FloatField()),
                ('first_input_ms', models.FloatField(blank=True, null=True)),
                ('answer_ms', models.FloatField()),
                ('swipe_start_ms', models.FloatField(blank=True, null=True)),
                ('swipe_release_ms', models.FloatField(blank=True, null=True)),
                ('hidden', models.JSONField(default=list)),
                ('viewport_width', models.PositiveIntegerField()),
                ('viewport_height', models.PositiveIntegerField()),
                ('shown_width', models.FloatField(blank=True, null=True)),
                ('shown_height', models.FloatField(blank=True, null=True)),
                ('device_pixel_ratio', models.FloatField()),
                ('derivative', models.PositiveIntegerField(blank=True, null=True)),
                ('orientation', models.CharField(blank=True, max_length=20)),
                ('input_kind', models.CharField(blank=True, max_length=10)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('participant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='ratings.participant')),
                ('photo', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ratings.studyphoto')),
                ('photo_before', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ratings.studyphoto')),
            ],
            options={
                'verbose_name': 'trial',
                'verbose_name_plural': 'trials',
            },
        ),
        migrations.CreateModel(
            name='TrialEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('client_id', models.UUIDField()),
                ('kind', models.CharField(choices=[('undo', 'Undo'), ('break', 'Break'), ('resume', 'Resume'), ('photo_failed', 'Photo Failed'), ('refused', 'Refused')], max_length=12)),
                ('place', models.PositiveIntegerField()),
                ('data', models.JSONField(default=dict)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('participant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='ratings.participant')),
            ],
            options={
                'verbose_name': 'event of a trial',
                'verbose_name_plural': 'events of trials',
            },
        ),
        migrations.CreateModel(
            name='ParticipantIdentity',
            fields=[
                ('participant', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='identity', serialize=False, to='ratings.participant')),
                ('kind', models.CharField(max_length=10)),
                ('external_id', models.CharField(max_length=100)),
                ('external_study', models.CharField(blank=True, max_length=100)),
                ('external_session', models.CharField(blank=True, max_length=100)),
                ('mode', models.CharField(max_length=8)),
                ('erase_on', models.DateField()),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='ratings.study')),
            ],
            options={
                'verbose_name': 'identity of a participant',
                'verbose_name_plural': 'identities of participants',
            },
        ),
        migrations.CreateModel(
            name='BarredId',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=64)),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='barred', to='ratings.study')),
            ],
            options={
                'verbose_name': 'barred id',
                'verbose_name_plural': 'barred ids',
                'constraints': [models.UniqueConstraint(fields=('study', 'key'), name='one_barred_id_per_study')],
            },
        ),
        migrations.CreateModel(
            name='StudyAnswer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('step', models.CharField(max_length=20)),
                ('attempt', models.PositiveSmallIntegerField(default=1)),
                ('question', models.CharField(max_length=60)),
                ('row', models.CharField(blank=True, max_length=60)),
                ('value', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('participant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='answers', to='ratings.participant')),
            ],
            options={
                'verbose_name': 'answer',
                'verbose_name_plural': 'answers',
                'constraints': [models.UniqueConstraint(fields=('participant', 'step', 'attempt', 'question', 'row'), name='one_study_answer_per_question')],
            },
        ),
        migrations.AddConstraint(
            model_name='studydesign',
            constraint=models.UniqueConstraint(fields=('study', 'hash', 'is_opening'), name='one_study_design_per_text'),
        ),
        migrations.AddIndex(
            model_name='participant',
            index=models.Index(fields=['study', 'mode', 'state'], name='participants_by_state'),
        ),
        migrations.AddConstraint(
            model_name='participant',
            constraint=models.UniqueConstraint(fields=('study', 'mode', 'number'), name='one_participant_per_number'),
        ),
        migrations.AddConstraint(
            model_name='participant',
            constraint=models.UniqueConstraint(fields=('study', 'pseudonym'), name='one_participant_per_pseudonym'),
        ),
        migrations.AddConstraint(
            model_name='studyphoto',
            constraint=models.UniqueConstraint(fields=('study', 'photo'), name='one_study_photo_per_photo'),
        ),
        migrations.AddConstraint(
            model_name='trial',
            constraint=models.UniqueConstraint(fields=('participant', 'client_id'), name='one_trial_per_client_id'),
        ),
        migrations.AddConstraint(
            model_name='trial',
            constraint=models.UniqueConstraint(fields=('participant', 'place', 'attempt'), name='one_trial_per_place_and_attempt'),
        ),
        migrations.AddConstraint(
            model_name='trial',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('skipped', False), ('timed_out', False), ('value__isnull', False)), models.Q(('value__isnull', True), models.Q(('skipped', True), ('timed_out', True), _connector='OR')), _connector='OR'), name='trials_without_a_value_say_why'),
        ),
        migrations.AddConstraint(
            model_name='trialevent',
            constraint=models.UniqueConstraint(fields=('participant', 'client_id'), name='one_trial_event_per_client_id'),
        ),
        migrations.AddConstraint(
            model_name='participantidentity',
            constraint=models.UniqueConstraint(fields=('study', 'mode', 'kind', 'external_id'), name='one_run_per_study_and_id'),
        ),
        migrations.RunPython(let_researchers_have_studies, migrations.RunPython.noop),
    ]
