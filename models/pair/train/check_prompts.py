"""Tells which prompts occur in the data: python3 check_prompts.py deu-eng.tsv.gz PROMPTS"""
import sys

from prepare import key, read_pairs

known = {key(german) for german, _ in read_pairs(sys.argv[1])}
prompts = open(sys.argv[2], encoding="utf-8").read().splitlines()
found = [p for p in prompts if key(p) in known]
print(f"{len(prompts)} prompts of {min(len(p.split()) for p in prompts)} to {max(len(p.split()) for p in prompts)} words, {len(set(prompts))} different; in the data: {found}")
sys.exit(bool(found))
