"""The group *moderator*, with the rights to moderate rooms and no others. The operator may change it afterwards."""

from django.db import migrations

NAME = "moderator"
RIGHTS = {
    "room": ("view", "add", "change", "delete"),
    "report": ("view", "change"),
    "ban": ("view", "add", "change"),
}


def make(apps, schema_editor):
    """Make the group. Django makes the rights only after all migrations, so those it lacks are made here."""
    database = schema_editor.connection.alias
    content_types = apps.get_model("contenttypes", "ContentType").objects.using(database)
    permissions = apps.get_model("auth", "Permission").objects.using(database)
    group, _ = apps.get_model("auth", "Group").objects.using(database).get_or_create(name=NAME)
    for model, rights in RIGHTS.items():
        content_type, _ = content_types.get_or_create(app_label="rooms", model=model)
        for right in rights:
            permission, _ = permissions.get_or_create(
                content_type=content_type,
                codename=f"{right}_{model}",
                defaults={"name": f"Can {right} {model}"},
            )
            group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [
        ("rooms", "0004_moderation"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    # The way back leaves the group: an operator may have put people into it.
    operations = [migrations.RunPython(make, migrations.RunPython.noop, elidable=False)]
