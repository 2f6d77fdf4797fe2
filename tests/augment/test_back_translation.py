"""Texts, translated there and back: by a program, by a model, and what may not be lost on the way."""

import json
import shutil
import stat
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from within_wf.augment.apertium import ApertiumTranslator
from within_wf.augment.back_translation import BackTranslator, load_translator
from within_wf.augment.marian import MarianTranslator
from within_wf.augment.sentence_pieces import read_pieces
from within_wf.errors import DatasetError

PIECES = Path(__file__).with_name("pieces.spm")
EXPECTED = json.loads(Path(__file__).with_name("pieces.json").read_text(encoding="utf-8"))
"""What sentencepiece 0.2.1 splits texts into, with that file."""
FAKE = """#!/bin/sh
if [ "$1" = -V ]; then echo "Apertium 0.0"; exit 0; fi
[ "$1" = -u ] && [ $# = 2 ] || { echo "unexpected arguments: $*" >&2; exit 2; }
case "$2" in
eng-spa) sed 's/\\bhouse\\b/casa/g; s/new/nueva/g' ;;
spa-eng) sed 's/\\bcasa\\b/home/g; s/nueva/recent/g' ;;
*) echo "Error: Mode $2 does not exist. Try one of:"; exit 1 ;;
esac
"""


class Reversing:
    """Turns the order of words around."""

    def translate(self, texts):
        return ["\n".join(" ".join(line.split()[::-1]) for line in text.split("\n")) for text in texts]


class Losing:
    """Loses what it does not know."""

    def translate(self, texts):
        return [" ".join(word for word in text.split() if not word.startswith("Z")) for text in texts]


class Same:
    """Says the same, in other small letters."""

    def translate(self, texts):
        return [text.replace("a", "e") for text in texts]


@pytest.fixture
def fake(tmp_path, monkeypatch):
    program = tmp_path / "bin/apertium"
    program.parent.mkdir()
    program.write_text(FAKE)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return program


def test_a_program_translates_there_and_back(fake):
    there, back = load_translator("apertium:eng-spa"), load_translator("apertium:spa-eng", threads=2)
    translator = BackTranslator(there, back, ["House of New"])
    texts = ["A new house; for $5", "new house (House of New)\nsecond line", "", "20 %"]
    assert translator(texts) == ["A recent home; for $5", "recent home (House of New)\nsecond line", "", "20 %"]


def test_what_a_program_says_is_told(fake):
    with pytest.raises(DatasetError, match=r"apertium:eng-xyz: found Error: Mode eng-xyz does not exist.*`apertium -l` lists"):
        ApertiumTranslator("eng-xyz").translate(["a house"])


def test_a_missing_program_is_told_with_its_cure(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DatasetError, match=r"apertium:eng-spa: found no program apertium.*apt-get install apertium") as caught:
        load_translator("apertium:eng-spa")
    assert len(caught.value.problems) == 1
    with pytest.raises(DatasetError, match="found '-d/tmp', expected two languages as in eng-spa"):
        load_translator("apertium:-d/tmp")


def test_nothing_that_translates_is_told():
    with pytest.raises(
        DatasetError, match=r"data.augmentation.text.back_translation: found 'no/folder', expected a translator"
    ):
        load_translator("no/folder")


HELD = ["$9.99", "20 %", "{name}", "#Sale", "https://a.example/b", "ACME", "@you,", "(5x)"]


@given(st.lists(st.sampled_from(["a", "bad", "Zq0", "day!"]) | st.sampled_from(HELD).map(lambda held: (held,)), max_size=8))
def test_what_is_protected_comes_back(pieces):
    text = " ".join(piece if isinstance(piece, str) else piece[0] for piece in pieces)
    held = [piece[0] for piece in pieces if not isinstance(piece, str)]
    for there, back in ((Same(), Same()), (Reversing(), Reversing()), (Reversing(), Same()), (Losing(), Same())):
        (found,) = BackTranslator(there, back, ["Acme"])([text])
        kept = [word.strip("()!,") for word in found.split()]
        position = 0
        for word in (part for one in held for part in one.strip("(),").split()):
            position = kept.index(word, position) + 1


def test_a_text_that_loses_what_is_protected_stays():
    assert BackTranslator(Losing(), Same())(["bad $5", "bad day"]) == ["bad $5", "bed dey"]
    assert BackTranslator(Reversing(), Same())(["bad $5 {x}", "bad day"]) == ["bad $5 {x}", "dey bed"]


def test_equal_texts_are_translated_once_each_by_itself():
    asked = []

    class Counting(Same):
        def translate(self, texts):
            asked.extend(texts)
            return super().translate(texts)

    translator = BackTranslator(Counting(), Same())
    assert translator(["bad", "a day", "bad"]) == ["bed", "e dey", "bed"]
    assert translator(["a day"]) == ["e dey"]
    assert asked == ["a day", "bad"]


@pytest.mark.parametrize(("text", "pieces"), EXPECTED, ids=repr)
def test_texts_are_split_as_sentencepiece_does(text, pieces):
    assert read_pieces(PIECES).splitter().encode(text).tokens == pieces


@pytest.mark.parametrize("data", [b"", b"\x0a", b"\x0a\x05ab", b"text that is no such file", b"\xff" * 9, b"\x0a\x00"])
def test_what_is_no_such_file_is_refused(tmp_path, data):
    (tmp_path / "a.spm").write_bytes(data)
    with pytest.raises(DatasetError, match=r"a.spm: found .*, expected a unigram model of SentencePiece"):
        read_pieces(tmp_path / "a.spm")


def test_pieces_of_another_kind_are_refused(tmp_path):
    (tmp_path / "a.spm").write_bytes(b"\x0a\x03\x0a\x01a\x12\x02\x18\x02")
    with pytest.raises(DatasetError, match="found a model of kind 2, expected a unigram model"):
        read_pieces(tmp_path / "a.spm")


@pytest.fixture(scope="module")
def marian(tmp_path_factory):
    """A tiny Marian model of random weights."""
    from transformers import MarianConfig, MarianMTModel

    folder = tmp_path_factory.mktemp("marian")
    vocabulary = {piece: number for number, (piece, _) in enumerate(read_pieces(PIECES).pieces)}
    vocabulary["<pad>"] = len(vocabulary)
    config = MarianConfig(
        vocab_size=len(vocabulary),
        d_model=16,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_position_embeddings=32,
        eos_token_id=vocabulary["</s>"],
        pad_token_id=vocabulary["<pad>"],
        decoder_start_token_id=vocabulary["<pad>"],
        forced_eos_token_id=None,
        init_std=0.6,
    )
    torch.manual_seed(3)
    MarianMTModel(config).save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    shutil.copy(PIECES, folder / "source.spm")
    return folder


TEXTS = ["The same bytes, tested.", "a run", "☃"]


def test_a_model_translates_as_transformers_does(marian):
    """The likeliest piece after the likeliest, as ``generate`` finds it."""
    from transformers import MarianMTModel

    translator = MarianTranslator(marian, "native", max_length=6)
    model = MarianMTModel.from_pretrained(marian)
    vocabulary = json.loads((marian / "vocab.json").read_text())
    pieces = {number: piece for piece, number in vocabulary.items()}
    found = []
    for text in TEXTS:
        tokens = read_pieces(PIECES).splitter().encode(text).tokens[:5]  # and the end of the text
        read = torch.tensor([[*(vocabulary.get(token, vocabulary["<unk>"]) for token in tokens), vocabulary["</s>"]]])
        written = model.generate(read, num_beams=1, do_sample=False, max_new_tokens=6, bad_words_ids=[[vocabulary["<pad>"]]])[
            0
        ].tolist()
        special = {vocabulary["<pad>"], vocabulary["</s>"]}
        found.append("".join(pieces[number] for number in written if number not in special).replace("▁", " ").strip())
    assert translator.translate(TEXTS) == found
    assert len(set(found)) > 1


def test_a_text_is_translated_alone_and_alike_in_both_arithmetics(marian):
    exact = MarianTranslator(marian, max_length=6)
    whole = exact.translate(TEXTS)
    assert exact.translate(TEXTS[2:]) == whole[2:]
    assert MarianTranslator(marian, "native", max_length=6).translate(TEXTS) == whole
    assert load_translator(str(marian)).folder == marian


def test_a_folder_that_is_not_whole_is_refused(tmp_path, marian):
    with pytest.raises(DatasetError, match=r"model.safetensors: found no file[\s\S]*source.spm: found no file") as caught:
        load_translator(str(tmp_path))
    assert len(caught.value.problems) == 4
    for name in ("source.spm", "vocab.json", "model.safetensors"):
        shutil.copy(marian / name, tmp_path / name)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(DatasetError, match="expected a Marian model that transformers can read"):
        load_translator(str(tmp_path))


@pytest.mark.skipif(shutil.which("apertium") is None, reason="Apertium is not installed")
def test_the_real_program():
    try:
        translator = BackTranslator(load_translator("apertium:eng-spa"), load_translator("apertium:spa-eng"), ["Good House"])
        varied = translator(["Buy the new house today for $9.99 at the Good House!"])
    except DatasetError as error:
        pytest.skip(f"the pair eng-spa is not installed: {error}")
    assert "$9.99" in varied[0]
    assert "Good House!" in varied[0]
    assert "today" in varied[0].lower()
