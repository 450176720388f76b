from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("icloud_sync", "0004_one_sync_per_account")]

    operations = [
        migrations.AddField(
            model_name="syncedevent",
            name="additions",
            field=models.JSONField(help_text="What the user had added to the event that this one replaces.", null=True),
        ),
    ]
