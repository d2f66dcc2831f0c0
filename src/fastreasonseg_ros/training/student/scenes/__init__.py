"""Training scenes from written layouts: what stands where, solved to coordinates that agree with each other.

layouts/*.yaml say what a place holds; `generate.layout_scene` fills one by a seed and gives a digital twin;
`consistency.faults` lists what contradicts itself in a twin.
"""
