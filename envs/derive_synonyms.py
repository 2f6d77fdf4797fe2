"""Derives the table of synonyms of `within_wf.augment` from WordNet's own files.

    python envs/derive_synonyms.py FOLDER > within_wf/augment/synonyms.tsv

FOLDER holds WordNet 3.0's ``index.*``, ``data.*``, ``*.exc`` and ``cntlist.rev``; Debian's package wordnet-base brings them.
A line is a form of a word and its readings: a tag of the Penn Treebank and the synonyms that have the same tag. A reading is
there where people meant it in a tenth of the cases or more, without synonyms too: it says that the form is ambiguous.
Synonyms are those of the most frequent sense, where that is meant in three of five cases or more; they are single words that
people used in that very sense (they are counted in ``cntlist.rev``) and for which it is the first or second one.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PARTS = {"noun": "1", "verb": "2", "adj": "3", "adv": "4"}
BASE = {"noun": "NN", "verb": "VB", "adj": "JJ", "adv": "RB"}
SMALL = re.compile(
    "and|are|been|being|but|can|could|did|does|doing|for|from|had|has|have|having|her|hers|his|how|its|may|might|more|most|much|must|"
    "not|off|one|ones|our|ours|out|over|shall|she|should|some|such|than|that|the|their|theirs|them|then|there|they|this|these|those|too|"
    "was|were|what|when|where|which|who|whom|whose|why|will|with|would|you|your|yours"
)
"""Words of grammar, which WordNet has in other meanings."""
WORD = re.compile(r"[a-z]{3,}")
COUNTED = {5, 6, 9, 10, 11, 14, 15, 17, 18, 20, 21, 23, 25, 28}
"""Files of WordNet whose nouns are things one counts: animals, artifacts, ideas, messages, persons, possessions, times, …"""
PLURAL = re.compile(r"(s|men|children|feet|teeth|geese|mice|lice|oxen|criteria)$")
"""Irregular plurals that people use; of *bureaux* and *tempi* they rather do not."""
RARE = 0.1
"""The least share of a form's uses that makes a reading."""
SENSE = 0.6
"""The least share of a word's uses that are of its most frequent sense."""


def counts(folder: Path) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str, int], int]]:
    """How often each word was seen as each part of speech, and in each sense."""
    seen: dict[tuple[str, str], int] = defaultdict(int)
    senses: dict[tuple[str, str, int], int] = {}
    for line in (folder / "cntlist.rev").read_text().splitlines():
        sense, number, count = line.split()
        lemma, _, rest = sense.partition("%")
        part = rest[0].replace("5", "3")
        seen[lemma, part] += int(count)
        senses[lemma, part, int(number)] = int(count)
    return seen, senses


def ranks_of(folder: Path, part: str) -> Iterator[tuple[str, list[str]]]:
    """Each single word and its senses, the most frequent first."""
    for line in (folder / f"index.{part}").read_text().splitlines():
        fields = line.split()
        if not line.startswith("  ") and WORD.fullmatch(fields[0]):
            yield fields[0], fields[6 + int(fields[3]) :]


def synsets(folder: Path, part: str) -> dict[str, tuple[int, list[str]]]:
    """The file and the words of each sense."""
    found = {}
    for line in (folder / f"data.{part}").read_text().splitlines():
        if not line.startswith("  "):
            fields = line.split()
            words = fields[4 : 4 + 2 * int(fields[3], 16) : 2]
            found[fields[0]] = (int(fields[1]), [re.sub(r"\(.*\)", "", word) for word in words])
    return found


def irregular(folder: Path, part: str) -> dict[str, list[str]]:
    """The irregular forms of each word."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in (folder / f"{part}.exc").read_text().splitlines():
        form, *lemmas = line.split()
        for lemma in lemmas:
            found[lemma].append(form)
    return found


def with_s(word: str) -> str:
    """The regular plural, or third person."""
    if re.search(r"(s|x|z|ch|sh)$", word):
        return word + "es"
    return re.sub(r"(?<=[^aeiou])y$", "ie", word) + "s"


def inflected(word: str, part: str, exceptions: dict[str, list[str]]) -> dict[str, str]:
    """Tag to form, of the forms that are beyond doubt."""
    irregulars = exceptions.get(word, [])
    if part == "noun":
        known = [form for form in irregulars if PLURAL.search(form)]
        is_doubtful = irregulars or re.search(r"(o|f|fe|man|s)$", word)
        plural = known[0] if len(known) == len(irregulars) == 1 else None if is_doubtful else with_s(word)
        return {"NN": word, **({"NNS": plural} if plural else {})}
    if part != "verb":
        return {BASE[part]: word}
    rising = [form for form in irregulars if form.endswith("ing") and len(form) > len(word)]
    past = [form for form in irregulars if form not in rising and not form.endswith("s")]
    stem = re.sub(r"(?<=[^eoy])e$", "", word)
    regular_ing = (re.sub(r"ie$", "y", word) if word.endswith("ie") else stem) + "ing"
    regular_ed = word + "d" if word.endswith("e") else re.sub(r"(?<=[^aeiou])y$", "i", word) + "ed"
    forms = {"VB": word, "VBZ": re.sub(r"o$", "oe", word[:-1] + "o") + "s" if word.endswith("o") else with_s(word)}
    forms["VBG"] = rising[0] if rising else regular_ing
    if len(past) < 2:  # of two it is not said which is the past and which the participle
        forms["VBD"] = past[0] if past else regular_ed
    return forms


def main() -> None:
    """Print the table, sorted."""
    folder = Path(sys.argv[1])
    seen, seen_in_sense = counts(folder)
    readings: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    synonyms: dict[tuple[str, str], set[str]] = defaultdict(set)
    for part, number in PARTS.items():
        ranks, words, exceptions = dict(ranks_of(folder, part)), synsets(folder, part), irregular(folder, part)
        for lemma, offsets in ranks.items():
            often = seen.get((lemma, number), 0)
            forms = inflected(lemma, part, exceptions)
            for tag, form in forms.items():
                readings[form][tag] += often
            file, members = words[offsets[0]]
            if seen_in_sense.get((lemma, number, 1), 0) < SENSE * often or not often:
                continue
            for word in set(members) - {lemma}:
                is_used = WORD.fullmatch(word) and seen.get((word, number), 0) and offsets[0] in ranks.get(word, [])[:2]
                is_plural = part == "noun" and word.endswith("s") != lemma.endswith("s")
                if not is_used or is_plural:
                    continue
                theirs = inflected(word, part, exceptions)
                for tag in forms.keys() & theirs.keys():
                    if theirs[tag] != forms[tag] and WORD.fullmatch(theirs[tag]) and (tag != "NNS" or file in COUNTED):
                        synonyms[forms[tag], tag].add(theirs[tag])
    for form, tags in sorted(readings.items()):
        kept = sorted(tag for tag, often in tags.items() if often >= RARE * sum(tags.values()) and often)
        if WORD.fullmatch(form) and not SMALL.fullmatch(form) and any(synonyms[form, tag] for tag in kept):
            print("\t".join([form, *(f"{tag}:{' '.join(sorted(synonyms[form, tag]))}" for tag in kept)]))


if __name__ == "__main__":
    main()
