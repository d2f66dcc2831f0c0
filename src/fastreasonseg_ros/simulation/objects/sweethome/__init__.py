"""Modelled things with their own surfaces: Sweet Home 3D's models out of Debian's sweethome3d-furniture.

CC0 1.0 (BlendSwap-CC-0), CC-BY 3.0 (BlendSwap-CC-BY, Scopia) and CC-BY 3.0 US (KatorLegaz); the authors are named in
the catalogues. `fastreasonseg train furniture` fetches the package; nothing of it is in this repository.
"""
