"""A decoder of Llama architecture, small: RMS norms, rotary positions, grouped-query attention, SwiGLU, tied embeddings."""
import dataclasses

import torch
from torch import nn
from torch.nn import functional as F


@dataclasses.dataclass
class Config:
    vocab: int
    layers: int
    d_model: int
    heads: int
    kv_heads: int
    d_head: int
    d_ff: int
    context: int = 512
    rope_theta: float = 10000.0
    norm_eps: float = 1e-5


TARGET = dict(layers=5, d_model=256, heads=8, kv_heads=4, d_head=32, d_ff=512)
DRAFTER = dict(layers=2, d_model=128, heads=4, kv_heads=1, d_head=32, d_ff=160)


def rope_table(c, device=None):
    f = c.rope_theta ** (-torch.arange(0, c.d_head, 2, device=device).float() / c.d_head)
    a = torch.outer(torch.arange(c.context, device=device).float(), f)
    return torch.cat([a.cos(), a.cos()], -1), torch.cat([a.sin(), a.sin()], -1)


def rotate(x, cos, sin):
    """x: batch, heads, positions, d_head. The halves are the pairs' members: export.py reorders them to neighbours."""
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat([-b, a], -1) * sin


def attend(q, k, v, mask=None):
    """What scaled_dot_product_attention does, several times as fast on a CPU where sequences are short. Heads of a group are one matrix."""
    (b, heads, n, d), (_, kv, m, _) = q.shape, k.shape
    q = q.reshape(b * kv, heads // kv * n, d) * d**-0.5
    s = torch.bmm(q, k.reshape(b * kv, m, d).mT)
    if mask is None:
        mask = torch.full((n, n), float("-inf")).triu(1)
    s = s + mask.to(q.dtype).repeat(heads // kv, 1)
    return torch.bmm(s.softmax(-1), v.reshape(b * kv, m, d)).view(b, heads, n, d)


class Cache:
    """Keys and values of a batch of sequences of one length, with room for so many positions. `layers` holds a pair of tensors each."""

    def __init__(self, c, batch, room, dtype):
        self.layers = [[torch.zeros(batch, c.kv_heads, room, c.d_head, dtype=dtype) for _ in range(2)] for _ in range(c.layers)]

    def keep(self, rows):
        self.layers = [[t[rows] for t in pair] for pair in self.layers]

    def attend(self, layer, q, k, v, first):
        keys, values = self.layers[layer]
        n, room = q.shape[2], keys.shape[2]
        keys[:, :, first : first + n] = k
        values[:, :, first : first + n] = v
        mask = torch.full((n, room), float("-inf")).triu(1 + first)
        return attend(q, keys.to(q.dtype), values.to(q.dtype), mask)


def drop(x, p, rows=None):
    """Dropout with one mask for all positions of a sentence: random numbers are dear on a CPU. rows: where x is places of a batch, not
    sentences, the sentence of each and how many there are."""
    if not p:
        return x
    shape = (x.shape[0], 1, x.shape[2]) if rows is None else (rows[1], x.shape[1])
    mask = torch.empty(shape, dtype=x.dtype).bernoulli_(1 - p).div_(1 - p)
    return x * (mask if rows is None else mask[rows[0]])


class Layer(nn.Module):
    def __init__(self, c, number):
        super().__init__()
        self.c, self.number = c, number
        self.attn_norm = nn.Parameter(torch.ones(c.d_model))
        self.ffn_norm = nn.Parameter(torch.ones(c.d_model))
        self.qkv = nn.Linear(c.d_model, (c.heads + 2 * c.kv_heads) * c.d_head, bias=False)
        self.out = nn.Linear(c.heads * c.d_head, c.d_model, bias=False)
        self.gate_up = nn.Linear(c.d_model, 2 * c.d_ff, bias=False)
        self.down = nn.Linear(c.d_ff, c.d_model, bias=False)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.down.weight)

    def forward(self, x, cos, sin, p, cache, first, at=None):
        """at: the output is of these places of the batch only."""
        c, (b, n, _) = self.c, x.shape
        h = F.rms_norm(x, (c.d_model,), self.attn_norm, c.norm_eps)
        qkv = self.qkv(h).view(b, n, -1, c.d_head).transpose(1, 2)
        q, k, v = qkv.split([c.heads, c.kv_heads, c.kv_heads], 1)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        q, k = q.to(v.dtype), k.to(v.dtype)
        a = cache.attend(self.number, q, k, v, first) if cache else attend(q, k, v)
        a = a.transpose(1, 2).reshape(b, n, -1)
        rows = None
        if at is not None:
            x, a, rows = x.flatten(0, 1)[at], a.flatten(0, 1)[at], (at // n, b)
        x = x + drop(self.out(a), p, rows)
        h = F.rms_norm(x, (c.d_model,), self.ffn_norm, c.norm_eps)
        gate, up = self.gate_up(h).chunk(2, -1)
        return x + drop(self.down(F.silu(gate) * up), p, rows)


class Model(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.embedding = nn.Embedding(c.vocab, c.d_model)
        self.layers = nn.ModuleList(Layer(c, i) for i in range(c.layers))
        self.norm = nn.Parameter(torch.ones(c.d_model))
        nn.init.normal_(self.embedding.weight, std=c.d_model**-0.5)
        self.rope = rope_table(c)

    def forward(self, tokens, at=None, p=0.0, cache=None, first=0):
        """Logits; `at`: only of these positions, counted through the batch. p: of dropout. `first`: position of the first token, after
        what the cache holds."""
        x = self.embedding(tokens)
        cos, sin = (t[first : first + tokens.shape[1]] for t in self.rope)
        for layer in self.layers:
            x = layer(x, cos, sin, p, cache, first, at if layer is self.layers[-1] else None)
        return F.rms_norm(x, (self.c.d_model,), self.norm, self.c.norm_eps) @ self.embedding.weight.T


def create(shape, vocab):
    return Model(Config(vocab=vocab, **shape))


def save(model, path):
    torch.save({"config": dataclasses.asdict(model.c), "weights": model.state_dict()}, path)


def load(path):
    f = torch.load(path, weights_only=True)
    m = Model(Config(**f["config"]))
    m.load_state_dict(f["weights"])
    return m.eval()
