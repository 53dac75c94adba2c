"""Albums, the bin, rankings by scope, and the owner of features."""

import django.db.models.deletion
import pgvector.django.halfvec
import ratings.ranking.models
import uuid
from django.db import migrations, models


# Next photos by scope: those of the rows so far are of the catalogue, and of own photos, which the deck leaves out when it deals.
BY_SCOPE = "UPDATE ratings_fit SET next_photos = jsonb_build_object('catalogue', next_photos) WHERE jsonb_typeof(next_photos) = 'array'"
AS_BEFORE = "UPDATE ratings_fit SET next_photos = coalesce(next_photos->'catalogue', '[]') WHERE jsonb_typeof(next_photos) = 'object'"

# Features have the owner of their photo, whoever writes them, and when photos change hands in a merge.
KEEP_OWNERS = """
CREATE FUNCTION ratings_features_get_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.owner := (SELECT owner_id FROM ratings_photo WHERE id = NEW.photo_id);
    RETURN NEW;
END $$;
CREATE TRIGGER features_get_owner BEFORE INSERT OR UPDATE OF photo_id ON ratings_photofeatures
    FOR EACH ROW EXECUTE FUNCTION ratings_features_get_owner();
CREATE FUNCTION ratings_features_change_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ratings_photofeatures SET owner = NEW.owner_id WHERE photo_id = NEW.id;
    RETURN NEW;
END $$;
CREATE TRIGGER features_change_owner AFTER UPDATE OF owner_id ON ratings_photo
    FOR EACH ROW WHEN (OLD.owner_id IS DISTINCT FROM NEW.owner_id) EXECUTE FUNCTION ratings_features_change_owner();
UPDATE ratings_photofeatures d SET owner = p.owner_id FROM ratings_photo p WHERE p.id = d.photo_id AND p.owner_id IS NOT NULL;
"""
LEAVE_OWNERS = """
DROP TRIGGER features_change_owner ON ratings_photo;
DROP FUNCTION ratings_features_change_owner();
DROP TRIGGER features_get_owner ON ratings_photofeatures;
DROP FUNCTION ratings_features_get_owner();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('ratings', '0006_agreement'),
    ]

    operations = [
        migrations.CreateModel(
            name='Album',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=120)),
                ('keeps_originals', models.BooleanField(default=True)),
                ('revision', models.BigIntegerField(default=0)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name='AlbumPhoto',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('added_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name='Catalogue',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('revision', models.BigIntegerField(default=0)),
            ],
        ),
        migrations.RemoveField(
            model_name='fit',
            name='previous_top',
        ),
        migrations.RemoveField(
            model_name='fit',
            name='top',
        ),
        migrations.AddField(
            model_name='fit',
            name='previous_exact_order',
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='fit',
            name='previous_population_weights',
            field=pgvector.django.halfvec.HalfVectorField(default=ratings.ranking.models.no_population_scores, dimensions=10),
        ),
        migrations.AddField(
            model_name='fit',
            name='previous_weights',
            field=pgvector.django.halfvec.HalfVectorField(blank=True, dimensions=256, null=True),
        ),
        migrations.AddField(
            model_name='photo',
            name='binned_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='photo',
            name='taken_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='photofeatures',
            name='owner',
            field=models.UUIDField(blank=True, editable=False, null=True),
        ),
        migrations.AlterField(
            model_name='fit',
            name='next_photos',
            field=models.JSONField(default=dict),
        ),
        migrations.AddIndex(
            model_name='photo',
            index=models.Index(condition=models.Q(('binned_at__isnull', False)), fields=['binned_at'], name='binned_photos'),
        ),
        migrations.AddIndex(
            model_name='photofeatures',
            index=models.Index(fields=['projection', 'owner'], name='features_by_owner'),
        ),
        migrations.AddConstraint(
            model_name='photo',
            constraint=models.CheckConstraint(condition=models.Q(('binned_at', None), ('owner__isnull', False), _connector='OR'), name='only_owned_photos_are_binned'),
        ),
        migrations.AddField(
            model_name='album',
            name='cover',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='ratings.photo'),
        ),
        migrations.AddField(
            model_name='album',
            name='owner',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='ratings.rater'),
        ),
        migrations.AddField(
            model_name='albumphoto',
            name='album',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='ratings.album'),
        ),
        migrations.AddField(
            model_name='albumphoto',
            name='photo',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='ratings.photo'),
        ),
        migrations.AddConstraint(
            model_name='albumphoto',
            constraint=models.UniqueConstraint(fields=('album', 'photo'), name='one_row_per_album_and_photo'),
        ),
        migrations.RunSQL(BY_SCOPE, AS_BEFORE),
        migrations.RunSQL(KEEP_OWNERS, LEAVE_OWNERS),
    ]
