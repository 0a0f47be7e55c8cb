from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.rejection.words import Word, read_words, write_words


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    words = (
        Word("a/b.wav", "a", "dev", "three", "3", 0.5, 1.25),
        Word("a/b.wav", "a", "test", "it's, so", "", 2.0, 2.5),
    )
    write_words(tmp_path / "words.csv", words)
    assert read_words(tmp_path / "words.csv") == words


def test_the_list_holds_digits_and_other_words_of_both_parts() -> None:
    words = read_words()
    assert {(word.part, bool(word.label)) for word in words} == {(a, b) for a in ("dev", "test") for b in (True, False)}
    parts: dict[str, set[str]] = {}
    for word in words:
        parts.setdefault(word.path, set()).add(word.part)
    assert all(len(part) == 1 for part in parts.values())
    assert not {"to", "too", "for", "won", "oh"} & {word.word for word in words}
    assert len({word.id for word in words}) == len(words)


@pytest.mark.parametrize(
    "text", ["", "path,corpus\na,b\n", "path,corpus,part,word,label,start,end\na,b,train,one,1,0,1\n"]
)
def test_a_file_of_something_else_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "words.csv"
    path.write_text(text)
    if not text:
        path.unlink()
    with pytest.raises(BenchError, match=r"words\.csv: "):
        read_words(path)
