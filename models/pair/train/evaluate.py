"""BLEU of a GGUF file as hexplore translates with it: python3 evaluate.py WORK/test.tsv MODEL.gguf [TYPE...]

Every German sentence of the file is given to `hexplore run`, greedy, at most 128 tokens, the model requantised on load to each of the types.
The reference is the sentence's own pair; `any` counts every English rendering that the data has of it. The first ten translations are shown.
"""
import argparse
import subprocess

import sacrebleu


def run(args, type_, german):
    command = [args.hexplore, "run", "--quiet", "--target", args.model, f"--prompt={german}", "--target-map", "cpux1"]
    return subprocess.run(command + (["--target-quant", type_] if type_ else []), capture_output=True, check=True, encoding="utf-8", errors="replace").stdout.rstrip("\n")


def bleu(answers, references):
    """references: a list for each answer; sacrebleu wants equally many of each, None where there is none."""
    columns = [[r[i] if i < len(r) else None for r in references] for i in range(max(map(len, references)))]
    metric = sacrebleu.BLEU()
    return metric.corpus_score(answers, columns).score, metric.get_signature()


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("test")
    args.add_argument("model")
    args.add_argument("types", nargs="*", default=[None])
    args.add_argument("--hexplore", default="./hexplore")
    args = args.parse_args()
    rows = [line.rstrip("\n").split("\t") for line in open(args.test, encoding="utf-8")]
    shown = False
    for type_ in args.types:
        answers = [run(args, type_, row[0]) for row in rows]
        if not shown:
            shown = True
            for row, answer in zip(rows[:10], answers):
                print(f"{row[0]}\n    {answer}\n    (reference: {row[1]})")
        one, any_ = bleu(answers, [row[1:2] for row in rows]), bleu(answers, [row[1:] for row in rows])
        same = sum(a == row[1] for a, row in zip(answers, rows))
        print(f"{type_ or 'as it is'}: BLEU {one[0]:.2f} ({one[1]}), any {any_[0]:.2f}, {same} of {len(rows)} as the reference", flush=True)


if __name__ == "__main__":
    main()
