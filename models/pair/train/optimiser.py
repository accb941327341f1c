"""Muon for the layers' matrices (Jordan 2024: momentum, made orthogonal by Newton-Schulz steps), AdamW for everything else."""
import torch

import team

MUON_LR, ADAM_LR, DECAY = 0.02, 0.004, 0.05


def orthogonal(g, steps=5):
    """g: n x rows x columns, n matrices at a time."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = g.shape[-2] > g.shape[-1]
    x = (g.mT if tall else g).bfloat16()
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        s = x @ x.mT
        x = a * x + (b * s + c * s @ s) @ x
    return (x.mT if tall else x).float()


def shared_out(g):
    """The same, each process doing its part."""
    out = torch.zeros_like(g)
    out[team.rank :: team.size] = orthogonal(g[team.rank :: team.size])
    team.add([out])
    return out


class Muon:
    """Matrices that the model stores joined (queries, keys, values; gate, up) are made orthogonal each for itself."""

    def __init__(self, model, momentum=0.95):
        c, self.momentum = model.c, momentum
        parts = {"qkv": [c.heads * c.d_head, c.kv_heads * c.d_head, c.kv_heads * c.d_head], "gate_up": [c.d_ff, c.d_ff], "out": None, "down": None}
        self.params = [(layer.get_submodule(n).weight, p) for layer in model.layers for n, p in parts.items()]
        self.state = [torch.zeros_like(w) for w, _ in self.params]

    def step(self, scale):
        pieces = {}
        for (w, parts), m in zip(self.params, self.state):
            m.lerp_(w.grad, 1 - self.momentum)
            g = w.grad.lerp(m, self.momentum)
            for to, u in zip(w.data.split(parts) if parts else [w.data], g.split(parts) if parts else [g]):
                pieces.setdefault(tuple(u.shape), []).append((to, u))
        for (rows, columns), group in pieces.items():
            update = shared_out(torch.stack([u for _, u in group]))
            for (to, _), u in zip(group, update):
                to.mul_(1 - scale * MUON_LR * DECAY).add_(u, alpha=-scale * MUON_LR * max(1, rows / columns) ** 0.5)


class Optimiser:
    def __init__(self, model):
        self.muon = Muon(model)
        self.matrices = [w for w, _ in self.muon.params]
        self.others = [p for p in model.parameters() if id(p) not in {id(w) for w in self.matrices}]
        self.adam = torch.optim.AdamW(self.others, lr=ADAM_LR, betas=(0.9, 0.98), weight_decay=0)

    def step(self, scale):
        with torch.no_grad():
            team.add([p.grad for p in self.matrices + self.others])
            self.muon.step(scale)
        self.adam.param_groups[0]["lr"] = scale * ADAM_LR
        self.adam.step()
        self.adam.zero_grad()
        for w in self.matrices:
            w.grad = None

    def state(self):
        return {"muon": self.muon.state, "adam": self.adam.state_dict()}

    def restore(self, state):
        for m, s in zip(self.muon.state, state["muon"]):
            m.copy_(s)
        self.adam.load_state_dict(state["adam"])
