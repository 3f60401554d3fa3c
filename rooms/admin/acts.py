"""What moderators can do to a room or a person in it: the button, its form, the right it needs, the verb behind it.

Knows the desk and the accounts' rights; must not know pages. What is noted in the admin's log has a tag at most, never
a name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from rooms import desk
from rooms.models import NOTE_MAX, SLOW_MAX, TAG_MAX, TOPIC_MAX
from rooms.protocol import Refusal

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

MUTES = [(600, _("10 minutes")), (3600, _("1 hour")), (86400, _("1 day"))]
BANS = [(1, _("1 day")), (7, _("7 days")), (30, _("30 days")), (365, _("1 year")), (0, _("for ever"))]


class PlainForm(forms.Form):
    """Nothing to fill in."""


class NoticeForm(forms.Form):
    """What is said to everyone."""

    message = forms.CharField(label=_("What to say"), max_length=NOTE_MAX, widget=forms.Textarea({"rows": 2}))


class CloseForm(forms.Form):
    """Why a room is closed."""

    reason = forms.CharField(
        label=_("Reason, said to the people before"),
        max_length=NOTE_MAX,
        required=False,
        widget=forms.Textarea({"rows": 2}),
    )


class SlowForm(forms.Form):
    """How slow."""

    seconds = forms.IntegerField(label=_("Seconds between two lines (0: off)"), min_value=0, max_value=SLOW_MAX)


class TopicForm(forms.Form):
    """The topic."""

    topic = forms.CharField(label=_("Topic"), max_length=TOPIC_MAX, required=False)


class PersonForm(forms.Form):
    """Whom: by the name key, with the tag for the log."""

    target = forms.CharField(max_length=200, widget=forms.HiddenInput, required=False)
    tag = forms.SlugField(max_length=TAG_MAX, widget=forms.HiddenInput)


class MuteForm(PersonForm):
    """For how long someone says nothing."""

    seconds = forms.TypedChoiceField(label=_("For"), choices=MUTES, coerce=int)


class BanForm(PersonForm):
    """For how long and why someone cannot use the site."""

    days = forms.TypedChoiceField(label=_("For"), choices=BANS, coerce=int, initial=7)
    reason = forms.CharField(label=_("Reason, for moderators only"), max_length=NOTE_MAX, required=False)

    def clean(self) -> dict[str, Any]:
        """With the moment of its end, None for ever."""
        values = super().clean() or {}
        if days := values.get("days"):
            values["until"] = timezone.now() + timedelta(days=days)
        return values


@dataclass(frozen=True)
class Act:
    """One thing that a moderator can do.

    Args:
        label: its button.
        noted: what the admin's log says, untranslated; it may have ``%(tag)s`` and ``%(seconds)s``.
        verb: what carries it out.
        form: what is to be filled in.
        right: the permission of the app.
        danger: whether the button warns.
    """

    label: "StrPromise"
    noted: str
    verb: desk.Verb
    form: type[forms.Form] = PlainForm
    right: str = "change_room"
    danger: bool = False

    def is_allowed(self, request: HttpRequest) -> bool:
        """Whether this account may do it."""
        return request.user.has_perm(f"rooms.{self.right}")

    def note(self, values: Mapping[str, Any]) -> str:
        """What to write into the admin's log."""
        return gettext(self.noted) % values


ROOM: dict[str, Act] = {
    "notice": Act(_("Tell the room"), gettext_noop("told the room something"), desk.notice, NoticeForm),
    "lock": Act(_("Lock"), gettext_noop("locked"), desk.lock),
    "unlock": Act(_("Unlock"), gettext_noop("unlocked"), desk.unlock),
    "slow": Act(_("Slow mode"), gettext_noop("slow mode: %(seconds)s seconds"), desk.slow, SlowForm),
    "topic": Act(_("Change the topic"), gettext_noop("changed the topic"), desk.topic, TopicForm),
    "close": Act(_("Close the room"), gettext_noop("closed"), desk.close, CloseForm, "delete_room", True),
}
PERSON: dict[str, Act] = {
    "mute": Act(_("Mute"), gettext_noop("muted %(tag)s for %(seconds)s seconds"), desk.mute, MuteForm),
    "kick": Act(_("Put out"), gettext_noop("put out %(tag)s"), desk.kick, PersonForm, danger=True),
    "ban": Act(_("Ban from the site"), gettext_noop("banned %(tag)s"), desk.ban, BanForm, "add_ban", True),
}
UNMUTE = Act(_("Let speak again"), gettext_noop("let %(tag)s speak again"), desk.unmute, PersonForm)
LIFT = Act(_("Let come back"), gettext_noop("let %(tag)s come back"), desk.lift, PersonForm)
ON_A_ROOM = {**ROOM, **PERSON, "unmute": UNMUTE, "lift": LIFT}
ON_SEVERAL = ("notice", "lock", "unlock", "slow", "close")

_SENTENCES: dict[str, Callable[[], str]] = {
    "unavailable": lambda: gettext(
        "The live rooms cannot be reached right now, so it was not done. Please try again in a moment."
    ),
    "room_not_found": lambda: gettext("The room has closed meanwhile."),
    "not_in_room": lambda: gettext("This person is not in the room any more."),
}


def sentence(problem: Refusal) -> str:
    """Why something was not done, for a moderator."""
    if problem.error == "bad_field" and problem.extra.get("field") == "line":
        return gettext("The line is no longer kept: nobody who comes in is shown it.")
    if problem.error == "bad_field" and problem.extra.get("field") == "tag":
        return gettext("This person is not kept out any more.")
    return _SENTENCES.get(problem.error, lambda: gettext("It was not done: %s") % problem.detail)()
