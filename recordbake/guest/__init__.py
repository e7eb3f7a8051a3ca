# Parsed by any Python that meets the hook directory, 2.7 included: keep the syntax old.
"""The hooked half: a guest in other people's processes, standard library only."""
