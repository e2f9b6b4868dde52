"""Agents on compressed observations, in the order in which one needs it:

worldvae.envs         environments as batches of frames: EnvConfig, make_env, make_vec, state_reader
worldvae.rollouts     frames collected and kept: RolloutConfig, RolloutStore, collect
worldvae.autoencoders.pretrain  an autoencoder trained on them: PretrainConfig, pretrain
worldvae.autoencoders the frozen Encoder and what it is made of
worldvae.diagnostics  whether its latents keep what an agent needs: health.diagnose
worldvae.wrappers.latent       Gymnasium wrappers: LatentObservation, LatentVectorObservation
worldvae.wrappers.sb3          the same for Stable-Baselines3: LatentVecEnv
worldvae.stats        what a comparison of agents may say

Nothing is imported here: what steps environments in processes of its own does without torch.
"""
