"""The sections of a configuration that decide what a stage makes, and the lock of a stage."""

COLLECTED_BY = ("seed", "env", "rollouts")
"""The sections that decide the rollouts."""

ENCODED_BY = (*COLLECTED_BY, "pretrain")
"""The sections that decide an encoder made from them."""

LEARNED_BY = (*ENCODED_BY, "dynamics")
"""The sections that decide the dynamics of its latents."""

STAGE = ".stage.lock"
"""The lock of a stage from the check of its settings until it is done.

Whatever writes the files meanwhile holds the folder's own lock.
"""
