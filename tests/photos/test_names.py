"""Display names of photos: hostile and malformed file names become safe to show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratings.photos.names import LONGEST_NAME, NO_NAME, display_name


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("holiday.jpg", "holiday.jpg"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system32\\cat.jpg", "cat.jpg"),
        ("/absolute/path/", "path"),
        ("..", NO_NAME),
        (".hidden", "hidden"),
        ("", NO_NAME),
        ("\0\0\0", NO_NAME),
        ("cat\0.exe.jpg", "cat.exe.jpg"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("zero\u200bwidth\ufeff.jpg", "zerowidth.jpg"),
        ("line\nbreak\r\n.jpg", "line break .jpg"),
        ("\x1b[31mred.jpg", "[31mred.jpg"),
        ("=HYPERLINK(1).jpg", "HYPERLINK(1).jpg"),
        ("+-@=cmd|calc.jpg", "cmd|calc.jpg"),
        ("<script>alert(1)</script>.jpg", "script.jpg"),
        ("<img src=x onerror=alert(1)>.png", "img src=x onerror=alert(1).png"),
        ("   spaces   between .jpg", "spaces between .jpg"),
        ("e\u0301te\u0301.jpg", "été.jpg"),
        ("猫と珈琲.jpg", "猫と珈琲.jpg"),
        ("broken\udcff.jpg", "broken.jpg"),
        (".=SUM(1).jpg", "SUM(1).jpg"),
        ("cafe<\u0301.jpg", "café.jpg"),
    ],
)
def test_a_name_is_made_safe_to_show(given_name, shown):
    assert display_name(given_name) == shown


def test_a_name_of_5000_letters_is_shortened_and_keeps_its_extension():
    shown = display_name("a" * 5000 + ".jpeg")

    assert len(shown) == LONGEST_NAME
    assert shown.endswith("….jpeg")


def test_long_runs_of_combining_accents_are_shortened():
    assert len(display_name("o" + "\u0335" * 400 + ".jpg")) < 12


@given(st.text(alphabet=st.characters(), max_size=300))
def test_any_text_becomes_a_short_printable_name(name):
    shown = display_name(name)

    assert 0 < len(shown) <= LONGEST_NAME
    assert shown.isprintable()
    assert not set("/\\<>\0") & set(shown)
    assert shown[0] not in "=+-@ "
    assert display_name(shown) == shown
