"""Greedy text of a GGUF file without hexplore: python3 reference.py MODEL.gguf PROMPTS

Reads weights and vocabulary with the `gguf` package, tokenises with `tokenizers`, and computes the forward pass in numpy, double precision.
A line for each prompt. With --hexplore, compares with what `hexplore run` says, and with its number of tokens.
"""
import argparse
import re
import subprocess
import sys

import gguf
import numpy
import tokenizers
from tokenizers import decoders, models, pre_tokenizers


class Reader:
    def __init__(self, path):
        self.file = gguf.GGUFReader(path)
        self.weights = {t.name: t.data.astype(numpy.float64) for t in self.file.tensors}
        self.heads, self.kv_heads, self.layers, self.eps, self.theta, self.d_head = (
            self.of(f"llama.{key}")
            for key in ("attention.head_count", "attention.head_count_kv", "block_count", "attention.layer_norm_rms_epsilon", "rope.freq_base", "rope.dimension_count")
        )
        self.bos, self.eos = self.of("tokenizer.ggml.bos_token_id"), self.of("tokenizer.ggml.eos_token_id")

    def of(self, key):
        return self.file.fields[key].contents()

    def tokenizer(self):
        tokens = self.of("tokenizer.ggml.tokens")
        t = tokenizers.Tokenizer(models.BPE({s: i for i, s in enumerate(tokens)}, [tuple(m.split(" ")) for m in self.of("tokenizer.ggml.merges")]))
        t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
        t.decoder = decoders.ByteLevel()
        return t


def norm(x, weight, eps):
    return x / numpy.sqrt((x * x).mean(-1, keepdims=True) + eps) * weight


def rotate(x, first, theta):
    """x: positions, heads, d_head; neighbours are pairs."""
    n, d = x.shape[0], x.shape[-1]
    angle = numpy.outer(numpy.arange(first, first + n), theta ** (-numpy.arange(0, d, 2) / d))[:, None]
    z = (x[..., 0::2] + 1j * x[..., 1::2]) * numpy.exp(1j * angle)
    return numpy.stack([z.real, z.imag], -1).reshape(x.shape)


class Forward:
    """One text; keys and values are kept."""

    def __init__(self, reader):
        self.r, self.n, self.kept = reader, 0, [None] * reader.layers

    def attention(self, layer, q, k, v):
        old = self.kept[layer]
        k, v = (k, v) if old is None else (numpy.concatenate([old[0], k]), numpy.concatenate([old[1], v]))
        self.kept[layer] = k, v
        group = self.r.heads // self.r.kv_heads
        s = numpy.einsum("qhd,khd->hqk", q, k.repeat(group, 1)) / numpy.sqrt(self.r.d_head)
        s += numpy.triu(numpy.full(s.shape[1:], -numpy.inf), 1 + self.n)
        p = numpy.exp(s - s.max(-1, keepdims=True))
        return numpy.einsum("hqk,khd->qhd", p / p.sum(-1, keepdims=True), v.repeat(group, 1)).reshape(len(q), -1)

    def logits(self, tokens):
        """Of the last of some further tokens."""
        r, w = self.r, self.r.weights
        x = w["token_embd.weight"][tokens]
        for i in range(r.layers):
            name = f"blk.{i}."
            h = norm(x, w[name + "attn_norm.weight"], r.eps)
            q, k, v = ((h @ w[f"{name}attn_{part}.weight"].T).reshape(len(x), -1, r.d_head) for part in "qkv")
            q, k = rotate(q, self.n, r.theta), rotate(k, self.n, r.theta)
            x = x + self.attention(i, q, k, v) @ w[name + "attn_output.weight"].T
            h = norm(x, w[name + "ffn_norm.weight"], r.eps)
            gate, up = (h @ w[f"{name}ffn_{part}.weight"].T for part in ("gate", "up"))
            x = x + (gate / (1 + numpy.exp(-gate)) * up) @ w[name + "ffn_down.weight"].T
        self.n += len(tokens)
        return norm(x[-1], w["output_norm.weight"], r.eps) @ w["token_embd.weight"].T


def greedy(reader, prompt, most):
    f, tokens, out = Forward(reader), prompt, []
    while len(out) < most:
        token = int(f.logits(tokens).argmax())
        if token == reader.eos:
            break
        out.append(token)
        tokens = [token]
    return out


def by_hexplore(args, german):
    command = [args.hexplore, "run", "--target", args.model, f"--prompt={german}", "--tokens", str(args.tokens)]
    done = subprocess.run(command, capture_output=True, check=True, encoding="utf-8", errors="replace")
    return done.stdout.rstrip("\n"), int(re.search(r"^prompt: (\d+)", done.stderr, re.M)[1])


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("model")
    args.add_argument("prompts")
    args.add_argument("--tokens", type=int, default=128)
    args.add_argument("--hexplore", help="the program, to compare with")
    args = args.parse_args()
    reader = Reader(args.model)
    tokenizer = reader.tokenizer()
    prompts = open(args.prompts, encoding="utf-8").read().splitlines()
    differ = 0
    for german in prompts:
        ids = [reader.bos, *tokenizer.encode(german).ids, reader.eos]
        text = tokenizer.decode(greedy(reader, ids, args.tokens))
        if not args.hexplore:
            print(text)
        elif by_hexplore(args, german) != (text, len(ids)):
            differ += 1
            print(f"{german}\n  here:     {len(ids)} tokens, {text}\n  hexplore: {by_hexplore(args, german)}")
    if args.hexplore:
        print(f"{len(prompts) - differ} of {len(prompts)} prompts: the same text from as many tokens")
    sys.exit(differ > 0)


if __name__ == "__main__":
    main()
