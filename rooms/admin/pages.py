"""What the pages of the admin share: acts as buttons, their being carried out, and the admin's log without names.

Knows the acts and Django's admin; must not know any one model.
"""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.db.models import Model
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from rooms import desk
from rooms.admin.acts import Act, sentence
from rooms.protocol import Refusal

__all__ = ["CHANGE", "DELETION", "Titled", "buttons", "carry_out", "filled", "note", "several_went"]


class Titled:
    """An admin whose list is called after what it shows, and not after what one could do with it."""

    opts: Any

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list."""
        title = {"title": capfirst(self.opts.verbose_name_plural)}
        return super().changelist_view(request, {**title, **(extra_context or {})})  # type: ignore[misc]


def buttons(request: HttpRequest, acts: dict[str, Act], **initial: Any) -> list[dict[str, Any]]:
    """The acts that this account may do, each with its name and its form.

    Args:
        request: whose.
        acts: by name.
        initial: what the forms hold at first.
    """
    return [
        {"name": name, "act": act, "form": act.form(initial=initial, auto_id=False)}
        for name, act in acts.items()
        if act.is_allowed(request)
    ]


def filled(request: HttpRequest, act: Act) -> dict[str, Any] | None:
    """What was filled in, or None, with the mistakes said."""
    form: forms.Form = act.form(request.POST)
    if form.is_valid():
        return {**form.cleaned_data, "by": request.user.pk}
    for field, problems in form.errors.items():
        label = form.fields[field].label if field in form.fields else ""
        messages.error(request, f"{label}: {' '.join(map(str, problems))}" if label else " ".join(map(str, problems)))
    return None


def carry_out(request: HttpRequest, verb: desk.Verb, room_id: int, values: dict[str, Any]) -> bool:
    """Do something to a room; whether it was done. If not, the reason is said."""
    try:
        desk.run(lambda hub: verb(hub, room_id, values))
    except Refusal as problem:
        messages.error(request, sentence(problem))
        return False
    messages.success(request, _("Done."))
    return True


def several_went(request: HttpRequest, went: dict[int, Refusal | None]) -> list[int]:
    """Say how something went that was done to several rooms; the numbers of those where it was done."""
    done = [room_id for room_id, problem in went.items() if problem is None]
    if done:
        messages.success(request, _("Done in %(count)s rooms.") % {"count": len(done)})
    for text in sorted({sentence(problem) for problem in went.values() if problem is not None}):
        messages.error(request, text)
    return done


def note(request: HttpRequest, found: Model, flag: int, text: str) -> None:
    """Write what was done into the admin's log: a number and a tag stand for the room and the person.

    Args:
        request: whose act.
        found: to what; its ``str`` must have no name, or it has ``unnamed``.
        flag: Django's kind of change.
        text: what, without names.
    """
    if hasattr(found, "unnamed"):
        found.unnamed = True
    assert request.user.pk is not None
    LogEntry.objects.log_actions(request.user.pk, [found], flag, text, single_object=True)
    if hasattr(found, "unnamed"):
        found.unnamed = False
