"""Words of the participants' pages, by key: PAV's translations, or those that the design brings for other languages."""

from collections.abc import Mapping

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from ratings.studies.design import StudyFile

WORDS: Mapping[str, object] = {
    # Before the trials
    "language": _("Language"),
    "approval": _("Ethics approval"),
    "contact": _("Contact"),
    "pay": _("Payment"),
    "warning": _("Please note"),
    "withdraw_until": _("You can withdraw until"),
    "agree": _("I agree and take part"),
    "decline": _("I don’t want to take part"),
    "age": _("I am at least {age} years old."),
    "age_missing": _("Please confirm your age to take part, or choose that you don’t want to."),
    "next": _("Continue"),
    "instructions": _("What to do"),
    "questions": _("A few questions"),
    "comprehension": _("Is everything clear?"),
    "comprehension_again": _("Not all answers were right. Please read the instructions once more; you have another try."),
    "required": _("Please answer this question."),
    "not_a_number": _("Please write a number."),
    "out_of_range": _("Please write a number from {low} to {high}."),
    "optional": _("optional"),
    # Trials
    "practice": _("Practice"),
    "practice_done": _("That was the practice."),
    "progress": _("{place} of {total}"),
    "photo": _("Photo {place} of {total}, left undescribed so it doesn’t sway you"),
    "check": _("No photo this time: please do what it says here."),
    "dislike": _("Not for me"),
    "like": _("Like"),
    "love": _("Love"),
    "skip": _("Skip"),
    "undo": _("Undo"),
    "undone": _("Undone. Please choose again."),
    "confirm": _("Confirm"),
    "chosen": _("{label} chosen. Confirm, or choose again."),
    "shortcuts": _("Keyboard shortcuts"),
    "preview": _("Preview: nothing counts"),
    "loading": _("Loading…"),
    "late": _("Opening this page takes longer than usual."),
    "open_again": _("Open it again"),
    "break_title": _("Time for a break"),
    "break_text": _("Rest your eyes. Continue when you like."),
    "trials_done": _("That was the last photo."),
    "saving": _("Saving…"),
    "unsaved": _("Your answers are saved on this device and will be sent when the connection is back."),
    "photo_failed": _("This photo could not be loaded. We try again."),
    "too_slow": _("Time is up; the next photo comes."),
    "elsewhere": _("The study is open in another tab or window. Go on there, or here; both at once does not work."),
    "go_on_here": _("Go on here"),
    "fault": _("Something went wrong on our side. Please reload the page; what you answered is saved."),
    "report_fault": _("End here because of a technical fault"),
    "script": _("This study needs JavaScript. Please switch it on, and reload the page."),
    "device": _("This study cannot be done on this kind of device. Please open the link on another one."),
    # Afterwards
    "debriefing": _("About this study"),
    "done_title": _("Thank you!"),
    "done_text": _("You are done, and everything is saved."),
    "withdraw_title": _("If you change your mind"),
    "withdraw_text": _("With this code you can withdraw until {date}. Your answers are then deleted."),
    "withdraw_page": _("Withdraw from this study"),
    "withdraw_code": _("Your code"),
    "withdraw_button": _("Withdraw and delete my answers"),
    "withdrawn": _("You have withdrawn, and your answers are deleted."),
    "withdraw_unknown": _("We don’t know this code. Please check it; letters and numbers matter, dashes and spaces don’t."),
    "withdraw_over": _("The time for withdrawing is over. Please write to the contact of the study."),
    "credits": _("Credits of the photos"),
    "code_title": _("Your completion code"),
    "back_to_prolific": _("Back to Prolific"),
    # Kind ends
    "declined_title": _("No problem"),
    "declined_text": _("You do not take part, and nothing was saved."),
    "screened_out_title": _("Thank you for your interest"),
    "screened_out_text": _("This study looks for participants with other answers. Thank you for your time."),
    "checks_failed_title": _("Thank you for trying"),
    "checks_failed_text": _("The instructions did not come across well enough, so the study ends here. That’s fine, and not a judgement."),
    "fault_title": _("We are sorry"),
    "fault_text": _("The study ended because of a technical fault. What you answered is saved."),
    "left_title": _("This run has ended"),
    "left_text": _("The study was left for too long, or its page was opened again, which it does not allow."),
    "withdrawn_title": _("You have withdrawn"),
    "closed_title": _("This study is closed"),
    "closed_text": _("It takes no more participants. Thank you for your interest."),
    "paused_title": _("This study is paused"),
    "paused_text": _("Please come back later. What you answered is saved."),
    "full_title": _("This study is full"),
    "full_text": _("It has all the participants it needs. Thank you for your interest."),
    "barred_title": _("You cannot take part in this study"),
    "barred_text": _("You may have taken part in a study that this one builds on. Thank you for your interest."),
    "once_title": _("One run for each id"),
    "once_text": _("Somebody has taken part with this id before. Go on in the browser where you began."),
    "no_entry_title": _("This link is not complete"),
    "no_entry_text": _("Please use the whole link that you were given."),
    "busy_title": _("One moment"),
    "busy_text": _("Many people came from your network at once. Please try again in a few minutes."),
    "ended_title": _("This run has ended"),
    "ended_text": _("Thank you for your time."),
    "invitation": _("Your invitation code"),
    "invitation_unknown": _("We don’t know this code, or it was used before."),
}

TRIAL_WORDS = ("progress", "photo", "check", "photo_failed", "too_slow", "undone", "chosen")  # those that the script of the trials says


def words_of(file: StudyFile, language: str) -> dict[str, str]:
    """All words in a language of a study."""
    ours = {code for code, _name in settings.LANGUAGES}
    with translation.override(language if language in ours else "en"):
        found = {key: str(word) for key, word in WORDS.items()}
    return found | file.interface.get(language, {})


def language_names(file: StudyFile) -> list[tuple[str, str]]:
    """The study's languages, each by its own name."""
    names = []
    for code in file.languages:
        try:
            names.append((code, translation.get_language_info(code)["name_local"]))
        except KeyError:
            names.append((code, code))
    return names
