"""Data sets at a local path: which samples there are, and what is in each.

Known are ImageNet in folders, CIFAR-10 and -100, DVS128 Gesture and CIFAR10-DVS, each in the
layout in which it is published. A sample is named as `SET:FOLDER#INDEX` (`references`), and only
the samples that are asked for are read. Nothing is ever downloaded. The formats are small, so that
they are read here: the readers of event recordings that are well kept come with a licence that
this program cannot take over (tonic), or do not know these formats.
"""
