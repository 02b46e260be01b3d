"""A chip of message-driven cores: populations of neurons that send messages, timestep by timestep.

The flow: `populations` (which neurons there are, and what reaches them), `placement` (on which
cores), `synapses` (which cores a spike reaches, and how many events it causes there), `traffic`
(messages and events of the recorded spikes), `timesteps` (what every unit has to do in each
timestep of the chip, and how long that takes), `energy`, and `evaluation`, which puts it together.
"""

from codesign.messages.evaluation import evaluate_messages

__all__ = ["evaluate_messages"]
