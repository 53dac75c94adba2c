"""Questions that many studies ask, ready to be picked by name: `- set: age_gender`."""

from collections.abc import Sequence

from ratings.studies.design import Question, QuestionSet

QUESTION_SETS: dict[str, tuple[Question, ...]] = {
    "age_gender": (
        Question(
            id="age",
            kind="number",
            text={"en": "How old are you? (years)", "ja": "年齢を教えてください（歳）"},
            minimum=0,
            maximum=120,
            required=False,
        ),
        Question(
            id="gender",
            kind="choice",
            text={"en": "What is your gender?", "ja": "性別を教えてください"},
            options=[
                {"en": "Woman", "ja": "女性"},
                {"en": "Man", "ja": "男性"},
                {"en": "Non-binary or another gender", "ja": "ノンバイナリー、その他"},
                {"en": "I’d rather not say", "ja": "答えたくない"},
            ],
            required=False,
        ),
    ),
    "aesthetics_interest": (
        Question(
            id="photo_interest",
            kind="matrix",
            text={"en": "How much do you agree?", "ja": "どのくらい当てはまりますか？"},
            rows=[
                {"en": "I enjoy looking at photos.", "ja": "写真を見るのが好きだ。"},
                {"en": "I take photos often.", "ja": "よく写真を撮る。"},
                {"en": "I know a lot about photography.", "ja": "写真に詳しい。"},
            ],
            options=[
                {"en": "Not at all", "ja": "まったく当てはまらない"},
                {"en": "A little", "ja": "あまり当てはまらない"},
                {"en": "Somewhat", "ja": "どちらともいえない"},
                {"en": "Mostly", "ja": "やや当てはまる"},
                {"en": "Completely", "ja": "とても当てはまる"},
            ],
        ),
    ),
}


def questions_of(rows: Sequence[Question | QuestionSet]) -> list[Question]:
    """Questions with sets replaced by what they contain."""
    found: list[Question] = []
    for row in rows:
        found += QUESTION_SETS[row.set] if isinstance(row, QuestionSet) else [row]
    return found
