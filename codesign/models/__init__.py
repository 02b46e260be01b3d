"""Users' own networks: where their code is, what they see, and how they are built.

Only `loading` imports torch, and the user's code.
"""
