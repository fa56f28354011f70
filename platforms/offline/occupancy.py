# SPDX-License-Identifier: Apache-2.0
"""How many waves of a kernel a core of a GPU holds at once: numbers in, numbers out.

A core (compute unit, multiprocessor, sub-slice: what runs whole groups) has `units` (SIMDs, sub-partitions, EUs), each
with room for some waves (wavefronts, warps, threads) and registers for them. targets.json has the limits.
"""
from collections import namedtuple

# waves: of a unit, on average; most: that it has room for; limit: what there is too little of ("" where it is full);
# lanes: of the waves of a group, the share that has a work-item.
Occupancy = namedtuple("Occupancy", "waves most limit lanes")


def rounded_up(value, granule):
    return (value + granule - 1) // granule * granule


def local_taken(limits, used):
    """Bytes of local memory that a group takes from its core."""
    if "local_sizes" in limits:
        return next((size for size in [0] + limits["local_sizes"] if size >= used), used)
    return rounded_up(used + limits.get("local_reserved", 0), limits["local_granule"])


def waves_of_registers(limits, registers, scalars):
    """Waves of a unit that have their registers, and which kind there is too little of."""
    waves = limits["registers_per_unit"] // rounded_up(max(registers, 1), limits["register_granule"])
    limit = "registers"
    if scalars and "scalars_per_unit" in limits:
        by_scalars = limits["scalars_per_unit"] // rounded_up(scalars, limits["scalar_granule"])
        if by_scalars < waves:
            waves, limit = by_scalars, "scalar registers"
    return min(waves, limits["waves_per_unit"]), limit


def occupancy(limits, wave, registers, scalars, local, group, barriers):
    """`group`: work-items, None if they are not known; `barriers`: whether groups of several waves need one.
    `waves` is 0 where the kernel cannot run."""
    most = limits["waves_per_unit"]
    waves, kind = waves_of_registers(limits, registers, scalars)
    if group is None:
        return Occupancy(waves, most, kind if waves < most else "", None)
    group_waves = -(-group // wave)
    lanes = group / (group_waves * wave)
    if group > limits["group_most"]:
        return Occupancy(0, most, "group size", lanes)
    if local > limits["local_most"]:
        return Occupancy(0, most, "local memory", lanes)
    room = limits["units"] * most
    taken = local_taken(limits, local)
    # In the order in which they are named where several allow the same number of groups.
    allowed = {"group size": room // group_waves,
               "groups": limits["groups"],
               "local memory": limits["local_bytes"] // taken if taken else room,
               kind: limits["units"] * waves // group_waves}
    if group_waves > 1 and barriers and "barriers" in limits:
        allowed["groups"] = min(allowed["groups"], limits["barriers"])
    limit = min(allowed, key=allowed.get)
    waves = allowed[limit] * group_waves / limits["units"]
    return Occupancy(waves, most, limit if waves < most else "", lanes)
