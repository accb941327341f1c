"""Trains the target or the drafter: python3 train.py target|drafter WORK

Reads WORK/train.tsv (target) or WORK/distilled/*.tsv (drafter), writes WORK/ROLE.pt, and every few minutes WORK/ROLE.state, from which the same
command goes on. The learning rate falls over the second half of the steps; until then their number may be changed.
"""
import argparse
import pathlib
import time

import torch
from torch.nn import functional as F

import model as models
import team
from optimiser import Optimiser
from text import NONE, Text, batches, tensors

ROLES = {
    "target": dict(shape=models.TARGET, data="train.tsv", drop=0.1, seed=10, steps=1200, batch=8192),
    "drafter": dict(shape=models.DRAFTER, data="distilled/*.tsv", drop=0.0, seed=20, steps=5000, batch=4096),
}
WARM_UP, FALL = 100, 0.5
REPORT, SAVE = 25, 200


def rate(step, steps):
    return min(1, (step + 1) / WARM_UP, (steps - step) / (steps * FALL))


def dev_loss(model, pairs):
    model.eval()
    total = count = 0
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for batch in batches(pairs, 4096, 0):
            tokens, at, next_ = tensors(batch)
            total += F.cross_entropy(model(tokens, at).float(), next_, reduction="sum").item()
            count += (next_ != NONE).sum().item()
    model.train()
    return total / count


class Training:
    def __init__(self, args):
        role = ROLES[args.role]
        self.args, self.drop, self.seed, self.batch, self.steps = args, role["drop"], role["seed"], role["batch"], args.steps or role["steps"]
        self.text = Text(args.work)
        self.pairs = [p for path in sorted(args.work.glob(role["data"])) for p in self.text.pairs(path)]
        self.dev = self.text.pairs(args.work / "dev.tsv")
        torch.manual_seed(self.seed)
        self.model = models.create(role["shape"], self.text.vocab)
        self.optimiser = Optimiser(self.model)
        self.step = self.epoch = self.place = 0
        self.state = args.work / f"{args.role}.state"
        if self.state.exists():
            self.restore()
        if team.rank == 0:
            print(f"{args.role}: {sum(p.numel() for p in self.model.parameters())} parameters, {len(self.pairs)} pairs", flush=True)

    def restore(self):
        s = torch.load(self.state, weights_only=True)
        self.model.load_state_dict(s["model"])
        self.optimiser.restore(s["optimiser"])
        self.step, self.epoch, self.place = s["at"]

    def save(self):
        new = self.state.with_suffix(".new")
        torch.save({"model": self.model.state_dict(), "optimiser": self.optimiser.state(), "at": (self.step, self.epoch, self.place)}, new)
        new.rename(self.state)

    def learn(self, batch):
        """One step; this process takes its share of the batch, which weighs what it has of the English."""
        count = sum(len(p) - begin for p, begin in batch)
        torch.manual_seed((self.seed << 32) + self.step * team.size + team.rank)
        tokens, at, next_ = tensors(batch[team.rank :: team.size])
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.model(tokens, at, self.drop).float()
            loss = F.cross_entropy(logits, next_, reduction="sum") / count
        loss.backward()
        self.optimiser.step(rate(self.step, self.steps))
        return loss.item() * team.size, tokens.numel() * team.size

    def run(self):
        losses, seen, began = [], 0, time.time()
        while self.step < self.steps:
            order = batches(self.pairs, self.batch, self.seed + self.epoch)
            while self.place < len(order) and self.step < self.steps:
                loss, count = self.learn(order[self.place])
                self.place += 1
                self.step += 1
                losses.append(loss)
                seen += count
                if team.rank == 0 and self.step % REPORT == 0:
                    print(f"step {self.step} of {self.steps}, epoch {self.epoch}: loss {sum(losses) / len(losses):.3f}, {seen / (time.time() - began):.0f} tokens/s", flush=True)
                    losses, seen, began = [], 0, time.time()
                if team.rank == 0 and self.step % SAVE == 0:
                    self.save()
                    print(f"dev loss {dev_loss(self.model, self.dev):.3f}", flush=True)
            if self.place == len(order):
                self.epoch, self.place = self.epoch + 1, 0
        if team.rank == 0:
            models.save(self.model, self.args.work / f"{self.args.role}.pt")


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("role", choices=ROLES)
    args.add_argument("work", type=pathlib.Path)
    args.add_argument("--steps", type=int, help="as in the card unless given")
    args.add_argument("--processes", type=int, default=2)
    args = args.parse_args()
    team.begin(args.processes, args.work / f"{args.role}.meeting")
    Training(args).run()
    team.end()


if __name__ == "__main__":
    main()
