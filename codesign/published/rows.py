"""What Tables 2, 3 and 4 of arXiv 2301.11929 print, and which workload each row is.

Operations are in units of 10^9, energies in mJ, as printed. Where the paper leaves a network open,
the note says what was chosen; where its own numbers disagree, the note says so.
"""

from dataclasses import dataclass

TABLES = {
    2: "Table 2: ImageNet",
    3: "Table 3: DVS Gesture and CIFAR10-DVS",
    4: "Table 4: Spikformer on CIFAR100",
}
DATASETS = {2: "ImageNet", 4: "CIFAR100"}


@dataclass(frozen=True)
class Row:
    """One row of a table; of Table 3, one half of it.

    Attributes:
        table: its number.
        network: as it is printed.
        method: `A2S` (converted from an ANN), `FSNN` or `MPSNN`, as printed or by the network.
        dataset: what it was trained and tested on.
        accuracy_percent: as printed.
        timesteps: as printed.
        ac_g: accumulates, 10^9.
        mac_g: multiply-accumulates, 10^9.
        energy_mj: dynamic consumption (DC).
        workload: the workload that is this network; empty if there is none.
        changes: what is changed about the workload, as after `--set workload.`.
        note: what is open, chosen, or wrong with the row.
        mean_mj: of rows whose networks are known but not which is which: their mean energy, to
            which each of them is calibrated.
    """

    table: int
    network: str
    method: str
    dataset: str
    accuracy_percent: float
    timesteps: int
    ac_g: float | None = None
    mac_g: float | None = None
    energy_mj: float | None = None
    workload: str = ""
    changes: tuple[str, ...] = ()
    note: str = ""
    mean_mj: float | None = None

    @property
    def is_converted(self) -> bool:
        """Whether the row is an ANN turned into an SNN, of which T alone is printed."""
        return self.method == "A2S"


_CONVERTED = (
    "No operations are printed. The bounds of eq. 15 are those of the Spiking ResNet of this depth "
    "with the printed T, its stem computed once."
)
_PRE_ACTIVATION = f"{_CONVERTED} The order of batch norm, neuron and convolution is another one."
_TD_BN = (
    "The printed MACs lie between the two rules. The printed ACs are what a firing rate of "
    ".250 gives: assumed, it seems, rather than measured."
)
_BN_COUNTED = "The paper says that batch norm is ignored; this row's MACs count it."
_LEARNING = "The same network as above with another loss; it prints the same operations."

_TABLE_2 = (
    ("PreAct-ResNet-18 (Meng et al., 2022)", "A2S", 67.74, 50, None, None, None,
     "spiking_resnet18", _PRE_ACTIVATION),
    ("Spiking ResNet-34 (Rathi et al., 2020)", "A2S", 61.48, 250, None, None, None,
     "spiking_resnet34", _CONVERTED),
    ("Spiking ResNet-34 (Li et al., 2021)", "A2S", 74.61, 256, None, None, None,
     "spiking_resnet34", _CONVERTED),
    ("Spiking ResNet-34 with td-BN (Zheng et al., 2021)", "FSNN", 63.72, 6, 5.34, 0.15, 5.50,
     "spiking_resnet34", _TD_BN),
    ("Spiking ResNet-50 with td-BN (Zheng et al., 2021)", "FSNN", 64.88, 6, 6.01, 0.24, 6.52,
     "spiking_resnet50", _TD_BN),
    ("Spiking ResNet-34 (Deng et al., 2022)", "FSNN", 64.79, 6, 5.34, 0.15, 5.50,
     "spiking_resnet34", f"{_LEARNING} {_TD_BN}"),
    ("FSNN-18 (DST)", "FSNN", 62.16, 4, 1.69, 0.12, 2.07, "fsnn18", ""),
    ("FSNN-34 (DST)", "FSNN", 66.45, 4, 3.42, 0.12, 3.63, "fsnn34", ""),
    ("FSNN-50 (DST)", "FSNN", 67.69, 4, 3.14, 0.12, 3.38, "fsnn50", ""),
    ("FSNN-101 (DST)", "FSNN", 68.38, 4, 4.42, 0.12, 4.53, "fsnn101", ""),
    ("SEW ResNet-18 (ADD) (Fang et al., 2021a)", "MPSNN", 63.18, 4, 0.51, 2.75, 13.11,
     "sew18", _BN_COUNTED),
    ("SEW ResNet-34 (ADD) (Fang et al., 2021a)", "MPSNN", 67.04, 4, 0.86, 6.46, 30.50,
     "sew34", _BN_COUNTED),
    ("SEW ResNet-50 (ADD) (Fang et al., 2021a)", "MPSNN", 67.78, 4, 2.01, 5.14, 25.45,
     "sew50", _BN_COUNTED),
    ("SEW-ResNet-34 (ADD) (Deng et al., 2022)", "MPSNN", 68.00, 4, 0.86, 6.46, 30.50,
     "sew34", f"{_LEARNING} {_BN_COUNTED}"),
    ("SEW ResNet-101 (ADD) (Fang et al., 2021a)", "MPSNN", 68.76, 4, 3.07, 8.67, 42.65,
     "sew101", _BN_COUNTED),
    ("DSNN-18", "MPSNN", 63.46, 4, 1.69, 0.20, 2.44, "dsnn18", ""),
    ("DSNN-34", "MPSNN", 67.52, 4, 3.42, 0.20, 4.00, "dsnn34", ""),
    ("DSNN-50", "MPSNN", 69.56, 4, 3.20, 1.37, 9.18, "dsnn50", ""),
    ("DSNN-101", "MPSNN", 71.12, 4, 4.48, 1.37, 10.33, "dsnn101", ""),
)  # fmt: skip

_WIDER = (
    "With the 32 channels of the published 7B-Net this energy is out of reach (3.83 mJ of MACs, "
    "8.93 mJ if every neuron always fired); with 64 it is not."
)
_UNORDERED = (
    "One of IAND, OR and XOR: the text does not say which. Rebuilt as {}, calibrated to the mean "
    "of the three rows."
)
_NO_ENERGY = "No energy is printed, and the network is not described."
_GESTURE, _CIFAR10_DVS = "DVS Gesture", "CIFAR10-DVS"

_TABLE_3 = (
    ("SEW, ADD (Fang et al., 2021a)", "MPSNN", _GESTURE, 97.92, 16, 17.09,
     "sew7b", ("width=64",), _WIDER),
    ("SEW, ADD (Fang et al., 2021a)", "MPSNN", _CIFAR10_DVS, 74.4, 16, 16.71,
     "sew_wide7b", (), ""),
    ("SEW, IAND (Fang et al., 2021a)", "FSNN", _GESTURE, 95.49, 16, 1.48,
     "sew7b", ("connection=iand",), ""),
    ("td-BN (Zheng et al., 2021)", "FSNN", _GESTURE, 96.87, 40, None, "", (), _NO_ENERGY),
    ("td-BN (Zheng et al., 2021)", "FSNN", _CIFAR10_DVS, 67.8, 10, None, "", (), _NO_ENERGY),
    ("FSNN-7 (DST), row 1", "FSNN", _GESTURE, 55.56, 16, 2.59, "fsnn7b", ("connection=and",),
     "AND, by its accuracy [inferred]."),
    ("FSNN-7 (DST), row 1", "FSNN", _CIFAR10_DVS, 70.9, 16, 3.57,
     "fsnn_wide7b", ("connection=and",), "AND, by its accuracy [inferred]."),
    ("FSNN-7 (DST), row 2", "FSNN", _GESTURE, 96.18, 16, 1.04,
     "fsnn7b", ("connection=iand",), _UNORDERED.format("IAND")),
    ("FSNN-7 (DST), row 2", "FSNN", _CIFAR10_DVS, 74.8, 16, 3.51,
     "fsnn_wide7b", ("connection=iand",), _UNORDERED.format("IAND")),
    ("FSNN-7 (DST), row 3", "FSNN", _GESTURE, 96.53, 16, 1.19,
     "fsnn7b", ("connection=or",), _UNORDERED.format("OR")),
    ("FSNN-7 (DST), row 3", "FSNN", _CIFAR10_DVS, 74.0, 16, 3.41,
     "fsnn_wide7b", ("connection=or",), _UNORDERED.format("OR")),
    ("FSNN-7 (DST), row 4", "FSNN", _GESTURE, 97.57, 16, 1.10,
     "fsnn7b", ("connection=xor",), _UNORDERED.format("XOR")),
    ("FSNN-7 (DST), row 4", "FSNN", _CIFAR10_DVS, 73.1, 16, 4.65,
     "fsnn_wide7b", ("connection=xor",), _UNORDERED.format("XOR")),
)  # fmt: skip

_SIZE = "The size is not printed; Spikformer-4-384 fits [inferred]."
_WITH_PATHWAY = (
    "DST is a way of training. With the pathway removed the operations are those of the row above "
    "with the trained rates, which were not released."
)

_TABLE_4 = (
    ("Spikformer (ADD)", "MPSNN", 77.21, 5.27, "spikformer_add", _SIZE),
    ("Spikformer (IAND)", "FSNN", 75.54, 0.82, "spikformer_iand", _SIZE),
    ("Spikformer (IAND) w/ DST", "FSNN", 76.96, 0.84, "spikformer_iand",
     f"{_SIZE} {_WITH_PATHWAY}"),
)  # fmt: skip


_UNORDERED_MJ = {_GESTURE: (1.04, 1.19, 1.10), _CIFAR10_DVS: (3.51, 3.41, 4.65)}


def _mean_mj(network: str, dataset: str) -> float | None:
    """The mean of the three rows that a row of Table 3 is one of, if it is."""
    unordered = _UNORDERED_MJ[dataset]
    is_one = network.endswith(("row 2", "row 3", "row 4"))
    return sum(unordered) / len(unordered) if is_one else None


ROWS: tuple[Row, ...] = (
    *(
        Row(2, network, method, DATASETS[2], accuracy, timesteps, ac, mac, energy, name, (), note)
        for network, method, accuracy, timesteps, ac, mac, energy, name, note in _TABLE_2
    ),
    *(
        Row(
            *(3, network, method, dataset, accuracy, timesteps, None, None, energy),
            *(name, changes, note, _mean_mj(network, dataset)),
        )
        for network, method, dataset, accuracy, timesteps, energy, name, changes, note in _TABLE_3
    ),
    *(
        Row(4, network, method, DATASETS[4], accuracy, 4, None, None, energy, name, (), note)
        for network, method, accuracy, energy, name, note in _TABLE_4
    ),
)
"""All rows, in the order of the paper."""

PRINTED_BOUNDS_MJ = {"sew18": (12.65, 16.40), "spiking_resnet34": (0.69, 19.85)}
"""Estimated consumption (EC), lower and upper, where the paper's numbers are known."""
