"""A library to train agents on compressed observations. Its packages, in the order of their use:

worldvae.envs         environments as batches of frames: EnvConfig, make_env, make_vec, state_reader
worldvae.rollouts     collection and storage of frames: RolloutConfig, RolloutStore, collect
worldvae.autoencoders.pretrain  training of an autoencoder on them: PretrainConfig, pretrain
worldvae.autoencoders the frozen Encoder, its networks and objectives
worldvae.diagnostics  checks of whether its latents keep what an agent needs: health.diagnose
worldvae.wrappers.latent       Gymnasium wrappers: LatentObservation, LatentVectorObservation
worldvae.wrappers.sb3          the same for Stable-Baselines3: LatentVecEnv
worldvae.stats        statistics of comparisons of agents

Nothing is imported here, so that worker processes that step environments do not load torch.
"""
