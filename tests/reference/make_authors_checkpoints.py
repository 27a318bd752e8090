"""Makes authors_fc_small.safetensors, authors_cnn_small.safetensors and authors_vit.safetensors: weights in the
names and shapes that the modules of the authors' implementation (EncoderFCSmall, EncoderCNNSmall, the MAE-style
transformer and their partners) have in PyTorch, with values that a hash of name and place decides. Needs nothing but
Python."""

import json
import struct
from pathlib import Path

FC_SMALL = {
    "encoder.linear_1.weight": [2, 784],
    "encoder.linear_1.bias": [2],
    "decoder.linear_1.weight": [784, 2],
    "decoder.linear_1.bias": [784],
    "classifier.linear_1.weight": [10, 2],
    "classifier.linear_1.bias": [10],
}

CNN_SMALL = {}
for layer, inputs in [(1, 1), (2, 16), (3, 16)]:
    CNN_SMALL |= {
        f"encoder.conv_{layer}.weight": [16, inputs, 3, 3],
        f"encoder.conv_{layer}.bias": [16],
        f"encoder.bn_{layer}.weight": [16],
        f"encoder.bn_{layer}.bias": [16],
        f"encoder.bn_{layer}.running_mean": [16],
        f"encoder.bn_{layer}.running_var": [16],
        f"encoder.bn_{layer}.num_batches_tracked": [],
    }
for layer, outputs in [(1, 16), (2, 16), (3, 1)]:
    CNN_SMALL |= {
        f"decoder.conv_t_{layer}.weight": [16, outputs, 3, 3],
        f"decoder.conv_t_{layer}.bias": [outputs],
    }
CNN_SMALL |= {"classifier.linear_2.weight": [10, 256], "classifier.linear_2.bias": [10]}

# Patches of 14 pixels, so four of them; tokens of 12 values, two blocks each way, an MLP twice as wide.
EMBED, PATCH = 12, 14


def linear(name, inputs, outputs):
    return {f"{name}.weight": [outputs, inputs], f"{name}.bias": [outputs]}


def norm(name):
    return {f"{name}.weight": [EMBED], f"{name}.bias": [EMBED]}


def block(name):
    return (
        norm(f"{name}.norm1")
        | linear(f"{name}.attn.qkv", EMBED, 3 * EMBED)
        | linear(f"{name}.attn.proj", EMBED, EMBED)
        | norm(f"{name}.norm2")
        | linear(f"{name}.mlp.fc1", EMBED, 2 * EMBED)
        | linear(f"{name}.mlp.fc2", 2 * EMBED, EMBED)
    )


VIT = {
    "encoder.cls_token": [1, 1, EMBED],
    "encoder.pos_embed": [1, 5, EMBED],
    "encoder.patch_embed.proj.weight": [EMBED, 1, PATCH, PATCH],
    "encoder.patch_embed.proj.bias": [EMBED],
    **block("encoder.blocks.0"),
    **block("encoder.blocks.1"),
    **norm("encoder.norm"),
    "decoder.mask_token": [1, 1, EMBED],
    "decoder.decoder_pos_embed": [1, 5, EMBED],
    **linear("decoder.decoder_embed", EMBED, EMBED),
    **block("decoder.decoder_blocks.0"),
    **block("decoder.decoder_blocks.1"),
    **norm("decoder.decoder_norm"),
    **linear("decoder.decoder_pred", EMBED, PATCH**2),
    "classifier.bn_1.running_mean": [EMBED],
    "classifier.bn_1.running_var": [EMBED],
    "classifier.bn_1.num_batches_tracked": [],
    **linear("classifier.linear_1", EMBED, 10),
}


def value(name, place):
    """Between -0.25 and 0.25; a variance between 0.75 and 1.25."""
    x = 0x811C9DC5
    for byte in f"{name}:{place}".encode():
        x = (x ^ byte) * 0x01000193 % 2**32
    x ^= x >> 16
    x = x * 0x7FEB352D % 2**32
    return (x >> 8) / 2**25 - 0.25 + name.endswith("running_var")


def write(path, shapes):
    header, data = {}, b""
    for name, shape in shapes.items():
        count = 1
        for size in shape:
            count *= size
        if name.endswith("num_batches_tracked"):
            dtype, values = "I64", struct.pack("<q", 117)
        else:
            dtype = "F32"
            values = struct.pack(f"<{count}f", *(value(name, place) for place in range(count)))
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


here = Path(__file__).parent
write(here / "authors_fc_small.safetensors", FC_SMALL)
write(here / "authors_cnn_small.safetensors", CNN_SMALL)
write(here / "authors_vit.safetensors", VIT)
