"""Splits the sentence pairs and trains the vocabulary: python3 prepare.py deu-eng.tsv.gz WORK

Writes WORK/train.tsv, dev.tsv and test.tsv (German, English, and for dev and test every further English rendering of the German) and
WORK/tokenizer.json. Sentences that differ in nothing but case and punctuation count as the same one when the data is split.
"""
import argparse
import gzip
import pathlib
import random
import re
import unicodedata
from collections import defaultdict

import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

BOS, EOS, PAD = "<s>", "</s>", "<pad>"
VOCAB = 2048
SEED = 1
HELD_OUT = {"test": 1000, "dev": 500}
PLAIN = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"', "–": "-", "‑": "-", "\u200b": None})


def clean(text):
    return " ".join(unicodedata.normalize("NFC", text).split())


def key(text):
    """What two sentences share that are the same but for case, spacing and punctuation."""
    return re.sub(r"\W+", " ", text.lower()).strip() or text


def read_pairs(path):
    with gzip.open(path, "rt", encoding="utf-8") as f:
        rows = [line.rstrip("\n").split("\t") for line in f]
    return [(clean(de.replace("\u200b", "")), clean(en.translate(PLAIN))) for en, de in rows]


def split(pairs):
    """Draws English sentences, one German rendering of each; no pair that shares a sentence with a held-out one is trained on."""
    of_de, of_en, exact = defaultdict(set), defaultdict(list), defaultdict(list)
    for de, en in pairs:
        of_de[key(de)].add(key(en))
        of_en[key(en)].append((de, en))
        exact[key(de)].append(en)
    names = sorted(of_en)
    random.Random(SEED).shuffle(names)
    drawn, gone_en, gone_de, held = random.Random(SEED + 1), set(), set(), {}
    for part, count in HELD_OUT.items():
        held[part] = []
        while len(held[part]) < count:
            de, en = drawn.choice(of_en[names.pop()])
            near = of_de[key(de)]
            if key(de) in gone_de or near & gone_en:
                continue
            others = [e for e in dict.fromkeys(exact[key(de)]) if e != en]
            held[part].append([de, en, *others])
            gone_en |= near
            gone_de |= {key(d) for e in near for d, _ in of_en[e]}
    train = [p for p in pairs if key(p[0]) not in gone_de and key(p[1]) not in gone_en]
    return {"train": [list(p) for p in dict.fromkeys(train)], **held}


def train_tokenizer(sentences):
    t = tokenizers.Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    t.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=VOCAB, special_tokens=[BOS, EOS, PAD], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    t.train_from_iterator(sentences, trainer)
    return t


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("data", type=pathlib.Path)
    args.add_argument("work", type=pathlib.Path)
    args = args.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    parts = split(read_pairs(args.data))
    for name, rows in parts.items():
        (args.work / f"{name}.tsv").write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
        print(f"{name}: {len(rows)} rows, {len({r[1] for r in rows})} English and {len({r[0] for r in rows})} German sentences")
    train_tokenizer(s for row in parts["train"] for s in row).save(str(args.work / "tokenizer.json"))


if __name__ == "__main__":
    main()
