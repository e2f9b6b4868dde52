"""A library to train agents on compressed observations. Its packages, in the order of their use:

worldvae.envs          environments as batches of frames: EnvConfig, make_env, make_vec
worldvae.rollouts      collection and storage of frames: RolloutConfig, RolloutStore, collect
worldvae.autoencoders  training of an encoder on them, pretrain.pretrain, and encoder.Encoder
worldvae.dynamics      how its latents move, learn.learn_dynamics, and dreams, dream.DreamVectorEnv
worldvae.diagnostics   checks of both: health.diagnose, fidelity.check.check_fidelity
worldvae.wrappers      latents as observations: latent.LatentObservation, sb3.LatentVecEnv
worldvae.export        ONNX files of them, and publishing on the hub
worldvae.stats         statistics of comparisons of agents

No part is imported here, so that worker processes that step environments do not load torch.
"""

import sys

if sys.platform == "win32":
    raise ImportError(
        "worldvae needs the locks and signals of Linux or macOS; on Windows install it within WSL "
        "(https://learn.microsoft.com/windows/wsl/install)"
    )
