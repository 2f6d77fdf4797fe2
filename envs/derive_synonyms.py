"""Derives the table of synonyms of `within_wf.augment` from WordNet's own files.

    python envs/derive_synonyms.py FOLDER > within_wf/augment/synonyms.tsv

FOLDER holds WordNet 3.0's ``index.*``, ``data.*`` and ``cntlist.rev``; Debian's package wordnet-base brings them. A word is in
the table in its most frequent part of speech and sense; its synonyms are single words that people used in that very sense
(they are counted in ``cntlist.rev``) and for which it is the first or second sense.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PARTS = {"noun": "1", "verb": "2", "adj": "3", "adv": "4"}
SMALL = re.compile(
    "and|are|been|but|can|for|from|had|has|have|her|his|how|its|not|off|our|out|over|she|than|that|the|their|them|then|there|they|"
    "this|too|was|were|what|when|where|which|who|why|will|with|would|you|your"
)
"""Words of grammar, which WordNet has in other meanings."""
WORD = re.compile(r"[a-z]{3,}")


def counts(folder: Path) -> dict[tuple[str, str], int]:
    """How often each word was seen as each part of speech."""
    seen: dict[tuple[str, str], int] = defaultdict(int)
    for line in (folder / "cntlist.rev").read_text().splitlines():
        sense, _, count = line.split()
        lemma, _, rest = sense.partition("%")
        seen[lemma, rest[0].replace("5", "3")] += int(count)
    return seen


def senses(folder: Path, part: str) -> Iterator[tuple[str, list[str]]]:
    """Each single word and its senses, the most frequent first."""
    for line in (folder / f"index.{part}").read_text().splitlines():
        fields = line.split()
        if not line.startswith("  ") and WORD.fullmatch(fields[0]):
            yield fields[0], fields[6 + int(fields[3]) :]


def synsets(folder: Path, part: str) -> dict[str, list[str]]:
    """The words of each sense."""
    found = {}
    for line in (folder / f"data.{part}").read_text().splitlines():
        if not line.startswith("  "):
            fields = line.split()
            words = fields[4 : 4 + 2 * int(fields[3], 16) : 2]
            found[fields[0]] = [re.sub(r"\(.*\)", "", word) for word in words]
    return found


def main() -> None:
    """Print the table, sorted."""
    folder = Path(sys.argv[1])
    seen = counts(folder)
    table: dict[str, tuple[int, list[str]]] = {}
    for part, number in PARTS.items():
        ranks = dict(senses(folder, part))
        words = synsets(folder, part)
        for lemma, offsets in ranks.items():
            often = seen.get((lemma, number), 0)
            synonyms = sorted(
                word
                for word in set(words[offsets[0]]) - {lemma}
                if WORD.fullmatch(word) and seen.get((word, number), 0) and offsets[0] in ranks.get(word, [])[:2]
            )
            if often > table.get(lemma, (0, []))[0]:
                table[lemma] = (often, synonyms)
    for lemma, (_, synonyms) in sorted(table.items()):
        if synonyms and not SMALL.fullmatch(lemma):
            print(f"{lemma}\t{' '.join(synonyms)}")


if __name__ == "__main__":
    main()
