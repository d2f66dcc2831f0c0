"""Pictures and words in one space (SigLIP, Zhai et al. 2023; SigLIP 2, Tschannen et al. 2025): export, encoders, names.

Perception embeds pictures of things and names them from a vocabulary, reasoning embeds the words of questions.
"""
