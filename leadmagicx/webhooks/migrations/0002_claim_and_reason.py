"""A webhook is claimed by one worker at a time; a delivery says why it got no answer."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0001_initial")]

    operations = [
        migrations.AlterModelOptions(
            name="delivery",
            options={"ordering": ["-created_at", "-pk"], "verbose_name_plural": "deliveries"},
        ),
        migrations.AddField(
            model_name="webhook",
            name="busy_until",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="delivery",
            name="error",
            field=models.CharField(blank=True, help_text="Why the last try got no answer.", max_length=40),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["webhook", "-created_at", "-id"], name="delivery_by_webhook"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("next_try_at__isnull", True)), fields=["created_at"], name="delivery_finished"
            ),
        ),
    ]
