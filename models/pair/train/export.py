"""Writes a trained model as GGUF: python3 export.py WORK/target.pt OUT.gguf

Matrices and embeddings are F16, norms F32. Beside the model lies the tokenizer it was trained with.
"""
import argparse
import json
import pathlib

import gguf
import numpy
import torch

from prepare import BOS, EOS, PAD

ATTRIBUTION = "trained on sentence pairs of tatoeba.org by way of www.manythings.org/anki (2018-05-13), CC BY 2.0 FR"
ABOUT = {
    "target": ("pair-target", "German to English, short sentences; the target of hexplore's own pair"),
    "drafter": ("pair-drafter", "German to English, short sentences; the drafter of hexplore's own pair, taught by its target"),
}


def neighbours(w, heads):
    """Rotary pairs side by side, as GGUF files of this architecture have them; trained as halves of a head."""
    return w.reshape(heads, 2, -1, w.shape[-1]).swapaxes(1, 2).reshape(w.shape)


def metadata(w, role, c):
    name, description = ABOUT[role]
    w.add_name(name)
    w.add_description(f"{description}; {ATTRIBUTION}")
    w.add_author("the authors of hexplore; sentences by the contributors of tatoeba.org")
    w.add_license("cc-by-2.0")
    w.add_license_name("Creative Commons Attribution 2.0 France")
    w.add_license_link("https://creativecommons.org/licenses/by/2.0/fr/")
    w.add_languages(["de", "en"])
    w.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    w.add_context_length(c["context"])
    w.add_embedding_length(c["d_model"])
    w.add_block_count(c["layers"])
    w.add_feed_forward_length(c["d_ff"])
    w.add_head_count(c["heads"])
    w.add_head_count_kv(c["kv_heads"])
    w.add_key_length(c["d_head"])
    w.add_value_length(c["d_head"])
    w.add_layer_norm_rms_eps(c["norm_eps"])
    w.add_rope_dimension_count(c["d_head"])
    w.add_rope_freq_base(c["rope_theta"])
    w.add_vocab_size(c["vocab"])


def vocabulary(w, path):
    """A prompt is `<s> German </s>`: both are added to what the user types."""
    t = json.loads(path.read_text(encoding="utf-8"))["model"]
    tokens = sorted(t["vocab"], key=t["vocab"].get)
    control = {BOS, EOS, PAD}
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("smollm")
    w.add_token_list(tokens)
    w.add_token_types([gguf.TokenType.CONTROL if s in control else gguf.TokenType.NORMAL for s in tokens])
    w.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in t["merges"]])
    for token, add in ((BOS, w.add_bos_token_id), (EOS, w.add_eos_token_id), (PAD, w.add_pad_token_id)):
        add(t["vocab"][token])
    w.add_add_bos_token(True)
    w.add_add_eos_token(True)


def tensors(weights, c):
    """(name in the file, array) of every weight."""
    q, kv = c["heads"] * c["d_head"], c["kv_heads"] * c["d_head"]
    yield "token_embd.weight", weights["embedding.weight"]
    yield "output_norm.weight", weights["norm"]
    for i in range(c["layers"]):
        of, to = f"layers.{i}", f"blk.{i}"
        wq, wk, wv = numpy.split(weights[f"{of}.qkv.weight"], [q, q + kv])
        gate, up = numpy.split(weights[f"{of}.gate_up.weight"], 2)
        yield f"{to}.attn_norm.weight", weights[f"{of}.attn_norm"]
        yield f"{to}.attn_q.weight", neighbours(wq, c["heads"])
        yield f"{to}.attn_k.weight", neighbours(wk, c["kv_heads"])
        yield f"{to}.attn_v.weight", wv
        yield f"{to}.attn_output.weight", weights[f"{of}.out.weight"]
        yield f"{to}.ffn_norm.weight", weights[f"{of}.ffn_norm"]
        yield f"{to}.ffn_gate.weight", gate
        yield f"{to}.ffn_up.weight", up
        yield f"{to}.ffn_down.weight", weights[f"{of}.down.weight"]


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("model", type=pathlib.Path)
    args.add_argument("out", type=pathlib.Path)
    args = args.parse_args()
    file = torch.load(args.model, weights_only=True)
    c, weights = file["config"], {k: v.numpy() for k, v in file["weights"].items()}
    w = gguf.GGUFWriter(args.out, "llama")
    metadata(w, args.model.stem, c)
    vocabulary(w, args.model.with_name("tokenizer.json"))
    for name, array in tensors(weights, c):
        w.add_tensor(name, array.astype(numpy.float16 if array.ndim > 1 else numpy.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


if __name__ == "__main__":
    main()
