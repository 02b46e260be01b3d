"""Data sets at a local path: which samples there are, and what is in each.

Known are ImageNet in folders, CIFAR-10 and -100, DVS128 Gesture and CIFAR10-DVS, each in the
layout in which it is published. A sample is named as `SET:FOLDER#INDEX` (`references`), and only
the samples that are asked for are read. Nothing is ever downloaded. The formats are small, so that
they are read here: of the readers of event recordings tonic (1.7) is GPL-3.0, which this program
cannot take over, and aedat (2.3), dv-processing (2.0) and expelliarmus (1.1) read other formats.
"""
