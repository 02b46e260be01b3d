"""An independent simulator of the chip, cycle by cycle, without SimPy or any code of the kernel.

It takes the architecture and the jobs (their order, what they wait for, their bits and cycles) and
works out again, in the plainest way, how long transfers take, which links they pass, what is
granted when, and what every core does in every cycle. `counts` goes through recorded spikes one by
one. It is slow and meant for small chips.
"""
