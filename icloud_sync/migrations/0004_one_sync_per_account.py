from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("icloud_sync", "0003_token_at")]

    operations = [
        # Runs that hold a claim now notice at their next commit that they lost it, and are repeated.
        migrations.RunSQL(
            "UPDATE icloud_sync_icloudconnection SET claim = NULL, claimed_until = NULL WHERE claim IS NOT NULL",
            migrations.RunSQL.noop,
        ),
        migrations.AddConstraint(
            model_name="icloudconnection",
            constraint=models.UniqueConstraint(
                condition=models.Q(("claim__isnull", False)),
                fields=("principal",),
                name="connection_one_sync_per_account",
            ),
        ),
    ]
