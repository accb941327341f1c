"""The target's greedy translations, for the drafter to learn from: python3 distill.py WORK

Translates German sentences of WORK/train.tsv, in an order of chance, with WORK/target.pt, a chunk at a time, into WORK/distilled/NUMBER.tsv. Chunks that are
there already are kept. Translations that come to no end are left out.
"""
import argparse
import pathlib
import random

import torch

import model as models
import team
from text import Text

SEED, CHUNK, BATCH = 30, 8192, 512
ROOM_STEP, ROWS_STEP = 16, 64  # sizes are multiples of these, for few shapes


def round_up(n, step):
    return -(-n // step) * step


def greedy(model, prompts, eos):
    """Tokens up to </s> that follow each of some prompts of one length; None where it does not come."""
    n, open_ = len(prompts[0]), {i: [] for i in range(len(prompts))}
    rows, answers = list(open_), [None] * len(prompts)
    tokens = torch.tensor(prompts + prompts[:1] * (-len(prompts) % ROWS_STEP))
    room = min(round_up(2 * n + 16, ROOM_STEP), model.c.context)
    cache, first = models.Cache(model.c, len(tokens), room, torch.bfloat16), 0
    while open_ and first + tokens.shape[1] <= room:
        width = tokens.shape[1]
        next_ = model(tokens, torch.arange(1, len(tokens) + 1) * width - 1, cache=cache, first=first).argmax(-1)
        first += width
        tokens = next_[:, None]
        for row, token in zip(rows, next_.tolist()):
            if row in open_ and token == eos:
                answers[row] = open_.pop(row)
            elif row in open_:
                open_[row].append(token)
        if round_up(len(open_), ROWS_STEP) <= len(tokens) // 2:
            at = [i for i, row in enumerate(rows) if row in open_]
            rows = [rows[i] for i in at]
            at += at[:1] * (-len(at) % ROWS_STEP)
            tokens = tokens[at]
            cache.keep(torch.tensor(at, dtype=torch.long))
    return answers


def translate(model, text, sentences):
    """(German, English) of the sentences whose translation ends, shortest first."""
    german = sorted(zip(map(text.prompt, text.encode(sentences)), sentences), key=lambda p: len(p[0]))
    begin = 0
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        while begin < len(german):
            group = [g for g in german[begin : begin + BATCH] if len(g[0]) == len(german[begin][0])]
            for (_, sentence), answer in zip(group, greedy(model, [prompt for prompt, _ in group], text.eos)):
                if answer:
                    yield sentence, text.tokenizer.decode(answer)
            begin += len(group)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("work", type=pathlib.Path)
    args.add_argument("--chunks", type=int, help=f"stop after so many, of {CHUNK} sentences each")
    args.add_argument("--processes", type=int, default=2)
    args = args.parse_args()
    team.begin(args.processes, args.work / "distill.meeting")
    out = args.work / "distilled"
    out.mkdir(exist_ok=True)
    model, text = models.load(args.work / "target.pt"), Text(args.work)
    german = sorted({line.split("\t")[0] for line in open(args.work / "train.tsv", encoding="utf-8")})
    random.Random(SEED).shuffle(german)
    chunks = [german[i : i + CHUNK] for i in range(0, len(german), CHUNK)][: args.chunks]
    for i in range(team.rank, len(chunks), team.size):
        path = out / f"{i:04}.tsv"
        if path.exists():
            continue
        rows = list(translate(model, text, chunks[i]))
        new = path.with_suffix(".new")
        new.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
        new.rename(path)
        print(f"{path.name}: {len(rows)} of {len(chunks[i])} sentences", flush=True)
    team.end()


if __name__ == "__main__":
    main()
