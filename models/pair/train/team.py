"""Several processes that train one model, a core each. They halve a step's work better than threads do, most of all on a machine that is not idle."""
import os

import torch
from torch import distributed

rank, size = 0, 1


def begin(n, meeting):
    """Forks; `meeting` is a file by which they find each other."""
    global rank, size
    torch.set_num_threads(1)
    if n == 1:
        return
    meeting.unlink(missing_ok=True)
    size = n
    while rank < n - 1 and os.fork():
        rank += 1
    distributed.init_process_group("gloo", init_method=f"file://{meeting.absolute()}", rank=rank, world_size=size)


def add(tensors):
    """Replaces each tensor by its sum over the processes."""
    if size > 1:
        flat = torch.cat([t.flatten() for t in tensors])
        distributed.all_reduce(flat)
        for t, part in zip(tensors, flat.split([t.numel() for t in tensors])):
            t.copy_(part.view_as(t))
