"""The file that a new study begins with: everything that most studies need, with comments, ready to preview."""

import secrets
from collections.abc import Sequence
from datetime import date, timedelta

from ratings.photos.models import Photo

PRACTICE = 2

TEMPLATE = """\
# A rating study of PAV. Every field is explained in docs/studies.md; ./pav study check {slug} finds mistakes.
pav_study: 1
slug: {slug}
title: {{en: Photos and first impressions, ja: 写真の第一印象}}
languages: [en, ja]
contact: your.name@example.org
seed: {seed}

scale:
  kind: likert  # or swipe
  points: 7
  question: {{en: How beautiful is this photo to you?, ja: あなたにとって、この写真はどのくらい美しいですか？}}
  labels:
    1: {{en: not at all, ja: まったく美しくない}}
    7: {{en: very, ja: とても美しい}}

consent:
  approval: your number
  pay: {{en: None. Thank you for your time., ja: 謝礼はありません。ご協力に感謝します。}}
  minimum_age: 18
  withdraw_until: {withdraw_until}
  text:
    en: >
      In this study you look at photos and say how beautiful each one is to you. It takes about ten minutes.

      Taking part is voluntary. You can stop at any time by closing the page. We store your answers and how long you took, under a
      random name. At the end you get a code, with which you can have everything deleted.
    ja: >
      この研究では、写真を見て、それぞれがあなたにとってどのくらい美しいかを答えていただきます。所要時間は約10分です。

      参加は任意です。ページを閉じれば、いつでもやめられます。回答と回答にかかった時間を、無作為な名前とともに保存します。
      最後に表示されるコードを使えば、すべてを削除できます。

questions_before:
  - set: age_gender

instructions:
  text:
    en: |
      You will see one photo at a time. Trust your first impression: there are no right or wrong answers.
    ja: |
      写真が1枚ずつ表示されます。第一印象で答えてください。正解も不正解もありません。

comprehension:
  questions:
    - id: task
      kind: choice
      text: {{en: What do you judge?, ja: 何を評価しますか？}}
      options:
        - {{en: How beautiful a photo is to me, ja: 自分にとって写真がどのくらい美しいか}}
        - {{en: How well known a photo is, ja: 写真がどのくらい有名か}}
      correct: 1

practice: [{practice}]

trials:
  blocks:  # two are the least for shares of variance, three are advised
    - name: first
    - name: second
      again: first
  checks:
    - after: 5
      value: 2
      text: {{en: Please choose 2 here., ja: ここでは2を選んでください。}}
  break_between_blocks: true

participants:
  places: 40
  lease_minutes: 30

questions_after:
  - id: remarks
    kind: text
    required: false
    text: {{en: Is there anything you want to tell us?, ja: 何かお伝えになりたいことはありますか？}}

debriefing:
  en: Thank you. We study how much taste people share, and how much is each one's own.
  ja: ありがとうございました。人々の好みがどのくらい共通し、どのくらい個人的なものかを研究しています。

entry: {{link: true}}
resume: later
cleaning: {{fastest_seconds: 0.2, most_failed_checks: 1}}
primary_statistic: share_rater_photo

photos:
{photos}
"""


def new_study(slug: str, photos: Sequence[Photo], *, today: date) -> str:
    """The text of a new study of these photos; the first two are for practice."""
    practice = ", ".join(photo.sha256 for photo in photos[:PRACTICE]) if len(photos) > 2 * PRACTICE else ""
    rows = "\n".join(f"  - {{sha256: {photo.sha256}, name: {_quoted(photo.name)}}}" for photo in photos) or "  []"
    return TEMPLATE.format(
        slug=slug, seed=secrets.randbelow(10**9), withdraw_until=today + timedelta(days=180), practice=practice, photos=rows
    )


def _quoted(text: str) -> str:
    return '"' + "".join(letter for letter in text if letter.isprintable()).replace("\\", "").replace('"', "'") + '"'
