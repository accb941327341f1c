"""Sentence pairs as tokens: <s> German </s> English </s>, in batches of about one length each."""
import random
from collections import defaultdict

import tokenizers
import torch

from prepare import BOS, EOS

# Every new shape costs the CPU's matrix library time to make code for it, so there are few: lengths are multiples of this, and so are the
# numbers of places.
LENGTH_STEP, HEAD_STEP = 4, 256
NONE = -100  # what cross_entropy passes over


def padded(pair):
    return -(-(len(pair[0]) - 1) // LENGTH_STEP) * LENGTH_STEP


class Text:
    def __init__(self, work):
        self.tokenizer = tokenizers.Tokenizer.from_file(str(work / "tokenizer.json"))
        self.vocab = self.tokenizer.get_vocab_size()
        self.bos, self.eos = (self.tokenizer.token_to_id(t) for t in (BOS, EOS))

    def encode(self, sentences):
        return [e.ids for e in self.tokenizer.encode_batch(sentences)]

    def prompt(self, german):
        return [self.bos, *german, self.eos]

    def pairs(self, path, most=160):
        """(tokens, where the English begins) of every pair of at most so many tokens."""
        rows = [line.rstrip("\n").split("\t")[:2] for line in open(path, encoding="utf-8")]
        german, english = (self.encode([r[i] for r in rows]) for i in (0, 1))
        out = [([*self.prompt(g), *e, self.eos], len(g) + 2) for g, e in zip(german, english)]
        return [p for p in out if len(p[0]) <= most]


def batches(pairs, size, seed):
    """Lists of pairs of about one length, of about `size` tokens together, in an order that the seed decides."""
    rng, of_length, out, rest = random.Random(seed), defaultdict(list), [], []
    for p in pairs:
        of_length[padded(p)].append(p)
    for length, group in sorted(of_length.items()):
        rng.shuffle(group)
        group, n = rest + group, max(1, size // length)
        out += [group[i : i + n] for i in range(0, len(group) - n + 1, n)]
        rest = group[len(group) - len(group) % n :]
    out[-1:] = [out[-1] + rest] if out else [rest]
    rng.shuffle(out)
    return out


def tensors(batch):
    """Inputs, the places (through the batch) that predict English, and what comes there."""
    n = max(padded(p) for p in batch)
    tokens = torch.zeros(len(batch), n, dtype=torch.long)
    next_ = torch.full_like(tokens, NONE)
    for row, to, (p, begin) in zip(tokens, next_, batch):
        row[: len(p) - 1] = torch.tensor(p[:-1])
        to[begin - 1 : len(p) - 1] = torch.tensor(p[begin:])
    at = (next_ != NONE).flatten().nonzero().squeeze(1)
    # filled up with place 0, where what comes is NONE
    at = torch.nn.functional.pad(at, (0, -len(at) % HEAD_STEP))
    next_ = next_.flatten()[at]
    return tokens, at, next_
