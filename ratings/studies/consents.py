"""The information and consent of a study, in each language: what the page says, and the hash that is stored with every consent."""

import hashlib
import json

from ratings.studies.design import StudyFile, said


def consent_of(file: StudyFile, language: str) -> dict[str, object]:
    """Everything on the consent page that the design says. The contact may change after opening, so it is not part of it."""
    consent = file.consent
    return {
        "title": said(file.title, language),
        "text": said(consent.text, language),
        "approval": consent.approval,
        "pay": said(consent.pay, language),
        "warning": said(consent.warning, language),
        "minimum_age": consent.minimum_age,
        "withdraw_until": consent.withdraw_until.isoformat(),
    }


def hashes(file: StudyFile) -> dict[str, str]:
    """SHA-256 of the consent in each language."""
    return {language: _hash(consent_of(file, language)) for language in file.languages}


def _hash(consent: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(consent, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
