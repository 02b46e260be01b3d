"""The dense operations of a residual network, derived from its shapes alone.

An independent oracle for counting: it knows He et al.'s ResNets, a picture of 224 x 224 and which
inputs are spikes in each family, and nothing of graphs, traces or this package.
"""

BLOCKS = {
    18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3),
}  # fmt: skip
PICTURE, CLASSES = 224, 1000

Operations = tuple[str, str, int]
"""Layer, `ac` or `mac`, dense operations over all timesteps."""


def expected_operations(family: str, depth: int, timesteps: int) -> list[Operations]:
    """Every layer with weights, in order within each block; what sees spikes accumulates."""
    found: list[Operations] = [("conv1", "mac", (PICTURE // 2) ** 2 * 64 * 3 * 49)]
    bottleneck = depth >= 50
    expansion = 4 if bottleneck else 1
    channels, size = 64, PICTURE // 4
    is_first = True
    for stage, count in enumerate(BLOCKS[depth], start=1):
        width = 32 << stage
        for block in range(count):
            name = f"layer{stage}.{block}"
            stride = 2 if stage > 1 and block == 0 else 1
            out = size // stride
            changes = stride == 2 or channels != width * expansion
            # SEW's stream holds integers from the first addition on.
            kind = "mac" if family == "sew" and not is_first else "ac"
            if bottleneck:
                taps = [(channels, width, 1, size, kind), (width, width, 9, out, "ac")]
                taps += [(width, width * 4, 1, out, "ac")]
            else:
                taps = [(channels, width, 9, out, kind), (width, width, 9, out, "ac")]
            for number, (a, b, kernel, side, of) in enumerate(taps, start=1):
                found.append(
                    (f"{name}.conv{number}.0", of, timesteps * a * b * kernel * side * side)
                )
            shortcut = timesteps * channels * width * expansion * out * out
            if changes:
                neuron_behind = family != "spiking_resnet"
                found.append((f"{name}.downsample.0{'.0' * neuron_behind}", kind, shortcut))
            if changes and family == "dsnn":
                # The pathway has seen one kind of sum or another, but for the stem's spikes.
                of = "ac" if is_first else "mac"
                if stride == 2:
                    found.append((f"{name}.pool.0.0", of, timesteps * channels * 9 * out * out))
                found.append((f"{name}.pool.0{'.1' * (stride == 2)}", of, shortcut))
            channels, size, is_first = width * expansion, out, False
    heads = ["fc", "accumulation_head.linear"] if family == "dsnn" else ["fc"]
    return found + [(head, "mac", channels * CLASSES) for head in heads]
