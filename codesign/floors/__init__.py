"""Floors: lower bounds of makespan and energy that hold for every mapping, in closed form.

`demand` takes from a recording what it asks of any chip; `floors` says what a chip must spend for
that at least. Where `codesign.bounds` bounds the schedule of jobs that were cut and placed, nothing
is cut or placed here: a thousand chips take a second.
"""

from codesign.floors.demand import Demand, demand
from codesign.floors.total import Floors, floors

__all__ = ["Demand", "Floors", "demand", "floors"]
